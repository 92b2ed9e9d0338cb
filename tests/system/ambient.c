#include "system/ambient.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void is_epoll_unless_set(void **state)
{
    (void)state;
#ifdef __linux__
    assert_ptr_equal(wherry__system_ambient(), wherry_system_epoll());
#else
    assert_ptr_equal(wherry__system_ambient(), wherry_system_poll());
#endif
}

static void setting_gives_the_former_one(void **state)
{
    wherry_system *ordinary = wherry__system_ambient();
    wherry_system other = { .size = sizeof(other) };

    (void)state;
    assert_null(wherry__system_set_ambient(&other));
    assert_ptr_equal(wherry__system_ambient(), &other);
    assert_ptr_equal(wherry__system_set_ambient(wherry_system_poll()), &other);
    assert_ptr_equal(wherry__system_ambient(), wherry_system_poll());
    assert_ptr_equal(wherry__system_set_ambient(NULL), wherry_system_poll());
    assert_ptr_equal(wherry__system_ambient(), ordinary);
    assert_null(wherry__system_set_ambient(NULL));
}

static void *get_ambient(void *unused)
{
    (void)unused;
    return wherry__system_ambient();
}

static void another_thread_has_its_own(void **state)
{
    wherry_system *ordinary = wherry__system_ambient();
    wherry_system other = { .size = sizeof(other) };
    pthread_t thread;
    void *seen;

    (void)state;
    wherry__system_set_ambient(&other);
    assert_int_equal(pthread_create(&thread, NULL, get_ambient, NULL), 0);
    assert_int_equal(pthread_join(thread, &seen), 0);
    wherry__system_set_ambient(NULL);
    assert_ptr_equal(seen, ordinary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_epoll_unless_set),
        cmocka_unit_test(setting_gives_the_former_one),
        cmocka_unit_test(another_thread_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
