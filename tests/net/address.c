/* The system's forms of addresses, with the kernel as the judge of Unix paths, and equality. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <wherry/address.h>
#include <wherry/error.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

static const struct sockaddr *generic(const void *name)
{
    return name;
}

/* An address with all other bytes zero, unlike one that an initialiser makes of which the compiler
 * may leave bytes of the union as they were. */
static wherry_address of_family(wherry_family family)
{
    wherry_address address;

    memset(&address, 0, sizeof(address));
    address.family = family;
    return address;
}

static wherry_address unix_address(const char *path, size_t length)
{
    wherry_address address = of_family(WHERRY_FAMILY_UNIX);

    address.length = (uint16_t)length;
    memcpy(address.at.path, path, length);
    return address;
}

/* to_system and from_system of address must give it back, and size as its size there. */
static void assert_there_and_back(const wherry_address *address, size_t size)
{
    struct sockaddr_storage storage;
    wherry_address back;

    memset(&storage, 0xaa, sizeof(storage));
    memset(&back, 0xaa, sizeof(back));
    assert_int_equal(wherry_address_to_system(address, &storage), size);
    assert_int_equal(wherry_address_from_system(&back, generic(&storage), (socklen_t)size), 0);
    assert_true(wherry_address_equal(address, &back));
    assert_memory_equal(address, &back, sizeof(back));
}

static void ipv4_there_and_back(void **state)
{
    wherry_address address = of_family(WHERRY_FAMILY_IPV4);
    struct sockaddr_storage storage;
    struct sockaddr_in in;

    (void)state;
    address.port = 7000;
    memcpy(address.at.ipv4, "\x7f\x00\x00\x01", 4);
    assert_there_and_back(&address, sizeof(in));
    assert_int_equal(wherry_address_to_system(&address, &storage), sizeof(in));
    memcpy(&in, &storage, sizeof(in));
    assert_int_equal(in.sin_family, AF_INET);
    assert_int_equal(in.sin_port, htons(7000));
    assert_int_equal(in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

static void ipv6_there_and_back(void **state)
{
    wherry_address address = of_family(WHERRY_FAMILY_IPV6);
    struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_flowinfo = 5 };
    wherry_address back;

    (void)state;
    address.port = 65535;
    address.scope = 77;
    memcpy(address.at.ipv6, "\xfe\x80\0\0\0\0\0\0\1\2\3\4\5\6\7\x08", 16);
    assert_there_and_back(&address, sizeof(in));
    in.sin6_port = htons(65535);
    in.sin6_scope_id = 77;
    memcpy(&in.sin6_addr, address.at.ipv6, 16);
    assert_int_equal(wherry_address_from_system(&back, generic(&in), sizeof(in)), WHERRY_OK);
    assert_memory_equal(&address, &back, sizeof(back));
}

static void unix_there_and_back(void **state)
{
    char longest[WHERRY_ADDRESS_PATH_MAX];
    wherry_address path = unix_address("/run/x.sock", 11);
    wherry_address abstract = unix_address("\0a\0b\0", 5);
    wherry_address empty = unix_address("\0", 1);
    wherry_address most;

    (void)state;
    assert_there_and_back(&path, PATH_AT + 12);
    assert_there_and_back(&abstract, PATH_AT + 5);
    assert_there_and_back(&empty, PATH_AT + 1);
    memset(longest, 'x', sizeof(longest));
    most = unix_address(longest, sizeof(longest) - 1);
    assert_there_and_back(&most, PATH_AT + sizeof(longest));
    most = unix_address(longest, sizeof(longest));
    assert_there_and_back(&most, PATH_AT + sizeof(longest));
    longest[0] = '\0';
    most = unix_address(longest, sizeof(longest));
    assert_there_and_back(&most, PATH_AT + sizeof(longest));
}

static void no_address(void **state)
{
    sa_family_t family = AF_UNIX;
    struct sockaddr_storage storage;
    wherry_address address;
    wherry_address none;

    (void)state;
    memset(&none, 0, sizeof(none));
    memset(&address, 0xaa, sizeof(address));
    assert_int_equal(wherry_address_from_system(&address, NULL, 0), WHERRY_OK);
    assert_memory_equal(&address, &none, sizeof(none));
    memset(&address, 0xaa, sizeof(address));
    assert_int_equal(wherry_address_from_system(&address, generic(&family), sizeof(family)),
                     WHERRY_OK);
    assert_memory_equal(&address, &none, sizeof(none));
    assert_int_equal(wherry_address_to_system(&none, &storage), 0);
}

static void refused(int code, const void *name, size_t size)
{
    wherry_address address;
    wherry_address before;

    memset(&address, 0xaa, sizeof(address));
    before = address;
    assert_int_equal(wherry_address_from_system(&address, generic(name), (socklen_t)size), code);
    assert_memory_equal(&address, &before, sizeof(address));
    assert_true(strlen(wherry_problem()) > 0);
}

static void wrong_sizes_and_families_are_refused(void **state)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr other = { .sa_family = AF_APPLETALK };
    wherry_address address;

    (void)state;
    refused(WHERRY_E_INVALID, &in, sizeof(in) - 1);
    refused(WHERRY_E_INVALID, &in6, sizeof(in6) - 1);
    refused(WHERRY_E_INVALID, &in, 1);
    refused(WHERRY_E_UNSUPPORTED, &other, sizeof(other));
    refused(WHERRY_E_MISUSE, NULL, 1);
    assert_int_equal(wherry_address_from_system(NULL, generic(&in), sizeof(in)), WHERRY_E_MISUSE);
    assert_int_equal(wherry_address_from_system(&address, generic(&in), sizeof(in)), WHERRY_OK);
    assert_int_equal(wherry_address_from_system(&address, generic(&in6), sizeof(in6)), WHERRY_OK);
}

/* Linux tells 109 bytes for a path of 108; more is not possible, and an abstract name has no such
 * byte. */
static void unix_sizes_at_the_limit(void **state)
{
    struct sockaddr_storage storage;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    wherry_address address;

    (void)state;
    memset(un.sun_path, 'x', sizeof(un.sun_path));
    /* The structure ends where the path does: AddressSanitizer sees a byte read behind it. */
    assert_int_equal(wherry_address_from_system(&address, generic(&un), sizeof(un) + 1), 0);
    assert_int_equal(address.length, sizeof(un.sun_path));
    memset(&storage, 'x', sizeof(storage));
    memcpy(&storage, &un, sizeof(un));
    refused(WHERRY_E_INVALID, &storage, sizeof(un) + 2);
    memset((char *)&storage + PATH_AT, 0, sizeof(un.sun_path));
    assert_int_equal(wherry_address_from_system(&address, generic(&storage), sizeof(un)), 0);
    assert_int_equal(address.length, sizeof(un.sun_path));
    refused(WHERRY_E_INVALID, &storage, sizeof(un) + 1);
}

static void what_is_no_address_has_no_system_form(void **state)
{
    struct sockaddr_storage storage;
    wherry_address address = unix_address("/a\0b", 4);

    (void)state;
    assert_int_equal(wherry_address_to_system(&address, &storage), 0);
    address.length = 0;
    assert_int_equal(wherry_address_to_system(&address, &storage), 0);
    address.length = WHERRY_ADDRESS_PATH_MAX + 1;
    assert_int_equal(wherry_address_to_system(&address, &storage), 0);
    address.family = (wherry_family)9;
    assert_int_equal(wherry_address_to_system(&address, &storage), 0);
    assert_int_equal(wherry_address_to_system(NULL, &storage), 0);
    assert_int_equal(wherry_address_to_system(&address, NULL), 0);
}

/* Binds and connects to a path of length bytes in folder, and asks the kernel for its name. The
 * answer is errno. */
static int bind_path(const char *folder, size_t length, wherry_address *back)
{
    char path[WHERRY_ADDRESS_PATH_MAX + 2];
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    wherry_address address = { .family = WHERRY_FAMILY_UNIX, .length = (uint16_t)length };
    socklen_t wanted;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    int problem = 0;

    assert_true(listener >= 0 && client >= 0 && length < sizeof(path));
    memset(path, 'x', sizeof(path));
    memcpy(path, folder, strlen(folder));
    path[strlen(folder)] = '/';
    path[length] = '\0';
    memcpy(address.at.path, path,
           length < WHERRY_ADDRESS_PATH_MAX ? length : WHERRY_ADDRESS_PATH_MAX);
    wanted = wherry_address_to_system(&address, &storage);
    if (wanted == 0) { /* too long for us: ask the kernel whether it is for it */
        struct sockaddr_un *un = (struct sockaddr_un *)&storage;

        un->sun_family = AF_UNIX;
        memcpy((char *)&storage + PATH_AT, path, length);
        wanted = (socklen_t)(PATH_AT + length);
    }
    if (bind(listener, (struct sockaddr *)&storage, wanted) != 0)
        problem = errno;
    else if (listen(listener, 1) != 0 ||
             connect(client, (struct sockaddr *)&storage, wanted) != 0 ||
             getsockname(listener, (struct sockaddr *)&storage, &size) != 0)
        problem = errno;
    else
        assert_int_equal(wherry_address_from_system(back, (struct sockaddr *)&storage, size), 0);
    if (problem == 0)
        assert_true(wherry_address_equal(&address, back));
    close(listener);
    close(client);
    unlink(path);
    return problem;
}

static void the_kernel_agrees_on_the_longest_path(void **state)
{
    char folder[] = "/tmp/wherry-address-XXXXXX";
    wherry_address back;
    size_t length;

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (length = WHERRY_ADDRESS_PATH_MAX - 1; length <= WHERRY_ADDRESS_PATH_MAX; length++) {
        assert_int_equal(bind_path(folder, length, &back), 0);
        assert_int_equal(back.length, length);
    }
    assert_int_equal(bind_path(folder, WHERRY_ADDRESS_PATH_MAX + 1, &back), EINVAL);
    assert_int_equal(rmdir(folder), 0);
}

static void the_kernel_agrees_on_abstract_names(void **state)
{
    wherry_address address = of_family(WHERRY_FAMILY_UNIX);
    wherry_address back;
    struct sockaddr_storage storage;
    socklen_t size;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_true(listener >= 0);
    address.length = WHERRY_ADDRESS_PATH_MAX;
    snprintf(address.at.path, sizeof(address.at.path), "%cwherry%c%ld", 0, 0, (long)getpid());
    size = wherry_address_to_system(&address, &storage);
    assert_int_equal(bind(listener, (struct sockaddr *)&storage, size), 0);
    size = sizeof(storage);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&storage, &size), 0);
    assert_int_equal(wherry_address_from_system(&back, (struct sockaddr *)&storage, size), 0);
    assert_memory_equal(&address, &back, sizeof(back));
    close(listener);
}

static void unnamed_sockets_have_no_address(void **state)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    wherry_address address;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(getsockname(ends[0], (struct sockaddr *)&storage, &size), 0);
    assert_int_equal(wherry_address_from_system(&address, (struct sockaddr *)&storage, size), 0);
    assert_int_equal(address.family, WHERRY_FAMILY_NONE);
    close(ends[0]);
    close(ends[1]);
}

static void equality(void **state)
{
    wherry_address one = { .family = WHERRY_FAMILY_IPV6, .port = 1, .scope = 2 };
    wherry_address other = one;

    (void)state;
    memset(one.at.path + 16, 'x', 8); /* bytes that no IPv6 address has */
    assert_true(wherry_address_equal(&one, &other));
    other.scope++;
    assert_false(wherry_address_equal(&one, &other));
    one.family = other.family = WHERRY_FAMILY_IPV4;
    assert_true(wherry_address_equal(&one, &other));
    other.at.ipv4[3]++;
    assert_false(wherry_address_equal(&one, &other));
    other = one;
    other.port++;
    assert_false(wherry_address_equal(&one, &other));
    one = unix_address("/a", 2);
    other = unix_address("/ab", 3);
    assert_false(wherry_address_equal(&one, &other));
    other.length = 2;
    assert_true(wherry_address_equal(&one, &other));
    one.family = other.family = WHERRY_FAMILY_NONE;
    assert_true(wherry_address_equal(&one, &other));
    one.family = WHERRY_FAMILY_IPV4;
    assert_false(wherry_address_equal(&one, &other));
    assert_false(wherry_address_equal(NULL, &one));
    assert_false(wherry_address_equal(&one, NULL));
    one.family = other.family = (wherry_family)9;
    assert_false(wherry_address_equal(&one, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_there_and_back),
        cmocka_unit_test(ipv6_there_and_back),
        cmocka_unit_test(unix_there_and_back),
        cmocka_unit_test(no_address),
        cmocka_unit_test(wrong_sizes_and_families_are_refused),
        cmocka_unit_test(unix_sizes_at_the_limit),
        cmocka_unit_test(what_is_no_address_has_no_system_form),
        cmocka_unit_test(the_kernel_agrees_on_the_longest_path),
        cmocka_unit_test(the_kernel_agrees_on_abstract_names),
        cmocka_unit_test(unnamed_sockets_have_no_address),
        cmocka_unit_test(equality),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
