/* Deadlines, against a model that looks through all of them: which expires next, and when, for
 * pseudo-random arms, moves and jumps between a nanosecond and centuries. */
#include "loop/deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/time.h>

#include "base/list.h"
#include "support/decoding.h"

#define ITEMS 120
#define ROUNDS 20000
#define MILLION 1000000

/* What lies later is taken for this instant. */
#define LATEST (INT64_MAX - (INT64_C(2) << 20))

typedef struct item {
    wherry__deadline deadline;
    int64_t when;
    uint64_t order; /* of arming: decides between equals */
    bool armed;
    bool late; /* armed for the past while deadlines expired */
} item;

static wherry_system plain_system = { .size = sizeof(plain_system) };

static struct {
    wherry__deadlines deadlines;
    item items[ITEMS];
    uint64_t seed;
    uint64_t order;
    int64_t now;
    bool expiring;
    bool meddles; /* callbacks arm and disarm others */
    size_t expired;
} model;

static uint64_t below(uint64_t count)
{
    return next_random(&model.seed) % count;
}

/* Of any size: each power of two is as likely as any other. */
static int64_t span(unsigned bits)
{
    return (int64_t)(next_random(&model.seed) >> (64 - 1 - below(bits)));
}

static const item *first_due(void)
{
    const item *first = NULL;

    for (size_t i = 0; i < ITEMS; i++) {
        const item *one = &model.items[i];

        if (!one->armed || one->late)
            continue;
        if (first == NULL || one->when < first->when ||
            (one->when == first->when && one->order < first->order))
            first = one;
    }
    return first;
}

static void arm(item *one, int64_t when)
{
    wherry__deadline_arm(&model.deadlines, &one->deadline, when);
    one->armed = when != WHERRY_NEVER;
    one->when = when < 0 ? 0 : when > LATEST ? LATEST : when;
    one->order = model.order++;
    one->late = one->armed && model.expiring && one->when <= model.now;
    assert_int_equal(wherry__deadline_armed(&one->deadline), one->armed);
}

static void disarm(item *one)
{
    wherry__deadline_disarm(&model.deadlines, &one->deadline);
    one->armed = false;
    assert_false(wherry__deadline_armed(&one->deadline));
}

static int64_t some_instant(void)
{
    switch (below(8)) {
    case 0: /* the same as another's */
        return model.items[below(ITEMS)].when;
    case 1: /* the past */
        return model.now - span(62);
    case 2: /* about the border of a bucket */
        return wherry__deadline_armed(&model.items[0].deadline)
                   ? (model.items[0].when & ~((INT64_C(1) << (20 + 6 * below(3))) - 1)) -
                         (int64_t)below(2)
                   : model.now;
    case 3:
        return below(16) == 0 ? WHERRY_NEVER - (int64_t)below(3) : model.now;
    default:
        return INT64_MAX - model.now < (INT64_C(1) << 61) ? model.now : model.now + span(61);
    }
}

static void meddle(void)
{
    item *one = &model.items[below(ITEMS)];

    if (below(3) == 0)
        disarm(one);
    else
        arm(one, some_instant());
}

static void on_expire(wherry__deadline *deadline)
{
    item *one = WHERRY__OWNER(deadline, item, deadline);

    assert_true(model.expiring);
    assert_ptr_equal(one, first_due());
    assert_true(one->when <= model.now);
    assert_false(wherry__deadline_armed(deadline));
    one->armed = false;
    model.expired++;
    if (model.meddles && below(2) == 0)
        meddle();
}

static size_t count_armed(void)
{
    size_t count = 0;

    for (size_t i = 0; i < ITEMS; i++)
        count += model.items[i].armed;
    return count;
}

static void expire(void)
{
    const size_t before = model.expired;
    const item *first;
    size_t expired;

    model.expiring = true;
    expired = wherry__deadlines_expire(&model.deadlines, model.now);
    model.expiring = false;
    assert_int_equal(expired, model.expired - before);
    first = first_due();
    assert_true(first == NULL || first->when > model.now);
    for (size_t i = 0; i < ITEMS; i++)
        model.items[i].late = false;
}

static void check(void)
{
    const item *first = first_due();
    const int64_t earliest = first == NULL ? WHERRY_NEVER : first->when;

    assert_true(wherry__deadlines_bound(&model.deadlines) <= earliest);
    assert_int_equal(wherry__deadlines_bound(&model.deadlines) == WHERRY_NEVER, first == NULL);
    assert_int_equal(model.deadlines.count, count_armed());
    if (below(8) != 0)
        return;
    assert_int_equal(wherry__deadlines_earliest(&model.deadlines), earliest);
    assert_int_equal(wherry__deadlines_bound(&model.deadlines), earliest);
}

/* Time goes on: a little, much, to the first deadline, or to just before it. */
static void advance(unsigned bits)
{
    const item *first = first_due();
    int64_t step = span(bits);

    if (first != NULL && first->when > model.now && below(2) == 0)
        step = first->when - model.now - (int64_t)below(2);
    model.now += step < LATEST - model.now ? step : 0;
}

static void run_model(uint64_t seed, bool meddles, unsigned bits)
{
    memset(&model, 0, sizeof(model));
    model.seed = seed;
    model.meddles = meddles;
    model.now = span(bits);
    wherry__deadlines_init(&model.deadlines, &plain_system, model.now);
    for (size_t i = 0; i < ITEMS; i++)
        wherry__deadline_init(&model.items[i].deadline, on_expire);
    for (size_t round = 0; round < ROUNDS; round++) {
        meddle();
        check();
        if (below(4) == 0) {
            advance(bits);
            expire();
            check();
        }
    }
    assert_true(model.expired > ROUNDS / 20);
    model.meddles = false;
    model.now = LATEST;
    expire();
    expire();
    assert_int_equal(count_armed(), 0);
    assert_int_equal(model.deadlines.count, 0);
    assert_int_equal(wherry__deadlines_earliest(&model.deadlines), WHERRY_NEVER);
}

static void matches_model_in_small_jumps(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        run_model(seed, false, 24);
}

static void matches_model_in_jumps_of_all_sizes(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 14; seed++)
        run_model(seed, false, 52);
}

static void matches_model_when_callbacks_arm_and_disarm(void **state)
{
    (void)state;
    for (uint64_t seed = 21; seed <= 24; seed++)
        run_model(seed, true, 24 + (unsigned)(seed % 3) * 14);
}

/* --- one by one */

static wherry__deadlines deadlines;
static char trace[64];

typedef struct noted {
    wherry__deadline deadline;
    char name;
    int64_t again; /* armed for this in its callback, unless 0 */
    struct noted *victim;
} noted;

static void note(wherry__deadline *deadline)
{
    noted *one = WHERRY__OWNER(deadline, noted, deadline);
    size_t length = strlen(trace);

    assert_true(length < sizeof(trace) - 1);
    trace[length] = one->name;
    trace[length + 1] = '\0';
    if (one->again != 0)
        wherry__deadline_arm(&deadlines, deadline, one->again);
    if (one->victim != NULL)
        wherry__deadline_disarm(&deadlines, &one->victim->deadline);
}

static void start(noted *all, size_t count, wherry_system *system, int64_t now)
{
    trace[0] = '\0';
    wherry__deadlines_init(&deadlines, system, now);
    memset(all, 0, count * sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        wherry__deadline_init(&all[i].deadline, note);
        all[i].name = (char)('a' + i);
    }
}

static void equal_ones_expire_in_the_order_of_arming(void **state)
{
    static const int64_t whens[] = { 5, WHERRY_MILLISECONDS(5), WHERRY_SECONDS(500) };
    noted all[6];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        start(all, 6, &plain_system, 0);
        deadlines.next_rank = UINT32_MAX - 2; /* the numbers begin again meanwhile */
        for (size_t j = 0; j < 6; j++)
            wherry__deadline_arm(&deadlines, &all[j].deadline, whens[i]);
        wherry__deadline_arm(&deadlines, &all[1].deadline, whens[i]); /* moved behind */
        assert_int_equal(wherry__deadlines_expire(&deadlines, whens[i] - 1), 0);
        assert_int_equal(wherry__deadlines_expire(&deadlines, whens[i]), 6);
        assert_string_equal(trace, "acdefb");
    }
}

static uint32_t next_choice;
static int last_purpose;
static uint32_t last_count;

static uint32_t choose(wherry_system *self, int purpose, uint32_t count)
{
    (void)self;
    last_purpose = purpose;
    last_count = count;
    next_choice = next_choice * 7 % 11;
    return next_choice;
}

static void equal_ones_expire_as_the_system_chooses(void **state)
{
    wherry_system system = { .size = sizeof(system), .choose = choose };
    noted all[4];

    (void)state;
    next_choice = 1;
    start(all, 4, &system, 0);
    for (size_t i = 0; i < 4; i++) /* 7 5 2 3 */
        wherry__deadline_arm(&deadlines, &all[i].deadline, 100);
    assert_int_equal(last_purpose, WHERRY_CHOICE_DEADLINE);
    assert_true(last_count > INT32_MAX / 2);
    assert_int_equal(wherry__deadlines_expire(&deadlines, 100), 4);
    assert_string_equal(trace, "cdba");
}

static void armed_for_the_past_meanwhile_expires_the_next_time(void **state)
{
    noted all[3];

    (void)state;
    start(all, 3, &plain_system, 1000);
    wherry__deadline_arm(&deadlines, &all[0].deadline, 1500);
    wherry__deadline_arm(&deadlines, &all[1].deadline, 1600);
    wherry__deadline_arm(&deadlines, &all[2].deadline, 1700);
    all[0].again = 1; /* before all */
    all[1].again = 2000;
    assert_int_equal(wherry__deadlines_expire(&deadlines, 2000), 3);
    assert_int_equal(deadlines.count, 2);
    assert_int_equal(wherry__deadlines_bound(&deadlines), 1);
    all[0].again = 0;
    assert_int_equal(wherry__deadlines_expire(&deadlines, 2000), 2);
    assert_string_equal(trace, "abcab");
    assert_int_equal(deadlines.count, 1);
}

static void disarmed_by_an_earlier_one_does_not_expire(void **state)
{
    noted all[3];

    (void)state;
    start(all, 3, &plain_system, 0);
    for (size_t i = 0; i < 3; i++)
        wherry__deadline_arm(&deadlines, &all[i].deadline, 10);
    all[0].victim = &all[1];
    assert_int_equal(wherry__deadlines_expire(&deadlines, 10), 2);
    assert_string_equal(trace, "ac");
    assert_int_equal(deadlines.count, 0);
}

static void late_one_can_be_disarmed(void **state)
{
    noted all[2];

    (void)state;
    start(all, 2, &plain_system, 0);
    wherry__deadline_arm(&deadlines, &all[0].deadline, 10);
    wherry__deadline_arm(&deadlines, &all[1].deadline, 11);
    all[0].again = 5;
    all[1].victim = &all[0];
    assert_int_equal(wherry__deadlines_expire(&deadlines, 20), 2);
    assert_int_equal(wherry__deadlines_expire(&deadlines, 30), 0);
    assert_int_equal(deadlines.count, 0);
}

static void never_disarms(void **state)
{
    noted one;

    (void)state;
    start(&one, 1, &plain_system, 0);
    wherry__deadline_arm(&deadlines, &one.deadline, 10);
    wherry__deadline_arm(&deadlines, &one.deadline, WHERRY_NEVER);
    assert_false(wherry__deadline_armed(&one.deadline));
    assert_int_equal(wherry__deadlines_expire(&deadlines, LATEST), 0);
    assert_int_equal(wherry__deadlines_bound(&deadlines), WHERRY_NEVER);
    wherry__deadline_disarm(&deadlines, &one.deadline);
    assert_int_equal(deadlines.count, 0);
}

static void now_is_the_past(void **state)
{
    noted one;

    (void)state;
    start(&one, 1, &plain_system, 0);
    wherry__deadline_arm(&deadlines, &one.deadline, WHERRY_NOW);
    assert_int_equal(wherry__deadlines_expire(&deadlines, 0), 1);
}

static void almost_never_is_an_instant(void **state)
{
    noted all[2];

    (void)state;
    start(all, 2, &plain_system, WHERRY_SECONDS(1));
    wherry__deadline_arm(&deadlines, &all[0].deadline, WHERRY_NEVER - 1);
    wherry__deadline_arm(&deadlines, &all[1].deadline, LATEST - 1);
    assert_true(wherry__deadlines_bound(&deadlines) < WHERRY_NEVER);
    assert_int_equal(wherry__deadlines_expire(&deadlines, INT64_MAX / 2), 0);
    assert_int_equal(wherry__deadlines_earliest(&deadlines), LATEST - 1);
    assert_int_equal(wherry__deadlines_expire(&deadlines, WHERRY_NEVER - 1), 2);
    assert_string_equal(trace, "ba");
    wherry__deadline_arm(&deadlines, &all[0].deadline, WHERRY_NEVER - 1);
    assert_int_equal(wherry__deadlines_expire(&deadlines, WHERRY_NEVER), 1);
}

static void time_that_stands_still_or_goes_back_is_harmless(void **state)
{
    noted all[2];

    (void)state;
    start(all, 2, &plain_system, WHERRY_SECONDS(10));
    wherry__deadline_arm(&deadlines, &all[0].deadline, WHERRY_SECONDS(9));
    wherry__deadline_arm(&deadlines, &all[1].deadline, WHERRY_SECONDS(11));
    assert_int_equal(wherry__deadlines_expire(&deadlines, WHERRY_SECONDS(8)), 0);
    assert_int_equal(wherry__deadlines_expire(&deadlines, WHERRY_SECONDS(10)), 1);
    assert_int_equal(wherry__deadlines_expire(&deadlines, WHERRY_SECONDS(10)), 0);
    assert_int_equal(wherry__deadlines_expire(&deadlines, WHERRY_SECONDS(11)), 1);
    assert_string_equal(trace, "ab");
}

/* --- a million */

static int64_t last_when;
static size_t out_of_order;

static void count_expired(wherry__deadline *deadline)
{
    out_of_order += deadline->when < last_when;
    last_when = deadline->when;
}

/* Each is moved once, as the timeouts of connections are, and every third taken back. */
static void a_million_are_no_matter(void **state)
{
    wherry__deadline *all = calloc(MILLION, sizeof(*all));
    uint64_t seed = 99;
    size_t expired = 0;

    (void)state;
    assert_non_null(all);
    last_when = 0;
    out_of_order = 0;
    wherry__deadlines_init(&deadlines, &plain_system, 0);
    for (size_t i = 0; i < MILLION; i++) {
        const int64_t when = (int64_t)(next_random(&seed) % (uint64_t)WHERRY_SECONDS(3600));

        wherry__deadline_init(&all[i], count_expired);
        wherry__deadline_arm(&deadlines, &all[i], when);
        wherry__deadline_arm(&deadlines, &all[i], when + WHERRY_SECONDS(30));
    }
    for (size_t i = 0; i < MILLION; i += 3)
        wherry__deadline_disarm(&deadlines, &all[i]);
    assert_int_equal(deadlines.count, MILLION - (MILLION + 2) / 3);
    for (int64_t now = 0; now <= WHERRY_SECONDS(3640); now += WHERRY_MILLISECONDS(700)) {
        assert_true(wherry__deadlines_bound(&deadlines) >= last_when);
        expired += wherry__deadlines_expire(&deadlines, now);
        assert_true(last_when <= now);
    }
    assert_int_equal(expired, MILLION - (MILLION + 2) / 3);
    assert_int_equal(out_of_order, 0);
    assert_int_equal(deadlines.count, 0);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_model_in_small_jumps),
        cmocka_unit_test(matches_model_in_jumps_of_all_sizes),
        cmocka_unit_test(matches_model_when_callbacks_arm_and_disarm),
        cmocka_unit_test(equal_ones_expire_in_the_order_of_arming),
        cmocka_unit_test(equal_ones_expire_as_the_system_chooses),
        cmocka_unit_test(armed_for_the_past_meanwhile_expires_the_next_time),
        cmocka_unit_test(disarmed_by_an_earlier_one_does_not_expire),
        cmocka_unit_test(late_one_can_be_disarmed),
        cmocka_unit_test(never_disarms),
        cmocka_unit_test(now_is_the_past),
        cmocka_unit_test(almost_never_is_an_instant),
        cmocka_unit_test(time_that_stands_still_or_goes_back_is_harmless),
        cmocka_unit_test(a_million_are_no_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
