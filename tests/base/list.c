#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

typedef struct item {
    int number;
    wherry__link link;
} item;

static item items[6];

static int start(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        items[i].number = i;
        wherry__link_init(&items[i].link);
    }
    return 0;
}

/* The numbers in list must be those of digits, forwards and backwards. */
static void assert_list(const wherry__link *list, const char *digits)
{
    const wherry__link *link = list->next;

    for (; *digits != '\0'; digits++, link = link->next) {
        assert_ptr_not_equal(link, list);
        assert_ptr_equal(link->next->previous, link);
        assert_ptr_equal(link->previous->next, link);
        assert_int_equal(WHERRY__OWNER(link, item, link)->number, *digits - '0');
    }
    assert_ptr_equal(link, list);
}

static void links_keep_their_order(void **state)
{
    wherry__link list;

    (void)state;
    wherry__link_init(&list);
    assert_true(wherry__list_empty(&list));
    wherry__list_append(&list, &items[1].link);
    wherry__list_append(&list, &items[2].link);
    wherry__link_insert_before(list.next, &items[0].link);
    wherry__link_insert_before(&items[2].link, &items[3].link);
    assert_false(wherry__list_empty(&list));
    assert_list(&list, "0132");
}

static void a_link_knows_whether_it_is_in_a_list(void **state)
{
    wherry__link list;

    (void)state;
    wherry__link_init(&list);
    assert_false(wherry__link_used(&items[0].link));
    wherry__list_append(&list, &items[0].link);
    assert_true(wherry__link_used(&items[0].link));
    wherry__link_remove(&items[0].link);
    assert_false(wherry__link_used(&items[0].link));
    wherry__link_remove(&items[0].link);
    assert_true(wherry__list_empty(&list));
}

static void links_leave_from_anywhere(void **state)
{
    wherry__link list;

    (void)state;
    wherry__link_init(&list);
    for (int i = 0; i < 5; i++)
        wherry__list_append(&list, &items[i].link);
    wherry__link_remove(&items[2].link);
    assert_list(&list, "0134");
    wherry__link_remove(&items[0].link);
    wherry__link_remove(&items[4].link);
    assert_list(&list, "13");
}

static void taking_empties_from_the_front(void **state)
{
    wherry__link list;

    (void)state;
    wherry__link_init(&list);
    wherry__list_append(&list, &items[0].link);
    wherry__list_append(&list, &items[1].link);
    assert_ptr_equal(wherry__list_take(&list), &items[0].link);
    assert_false(wherry__link_used(&items[0].link));
    assert_ptr_equal(wherry__list_take(&list), &items[1].link);
    assert_null(wherry__list_take(&list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(links_keep_their_order, start),
        cmocka_unit_test_setup(a_link_knows_whether_it_is_in_a_list, start),
        cmocka_unit_test_setup(links_leave_from_anywhere, start),
        cmocka_unit_test_setup(taking_empties_from_the_front, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
