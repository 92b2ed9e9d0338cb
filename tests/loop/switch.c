/* The switch: what it keeps in the processor on both sides, and how a stack begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unwind.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "loop/coroutine.h"
#include "loop/switch.h"
#include "support/process.h"

#define SIZE ((size_t)64 * 1024)

/* What the tests run: a coroutine, and what it shares with its test. */
typedef struct actor {
    wherry__coroutine coroutine;
    uint64_t seed;
    size_t rounds;
    uint64_t result;
} actor;

static void start(actor *self, wherry__coroutine_function *function)
{
    wherry__stack stack;

    assert_int_equal(wherry__stack_map(&stack, SIZE), WHERRY_OK);
    wherry__coroutine_init(&self->coroutine, stack, function, self);
}

static void stop(actor *self)
{
    assert_true(self->coroutine.ended);
    assert_int_equal(self->result, 0);
    wherry__coroutine_done(&self->coroutine);
    wherry__stack_unmap(self->coroutine.stack);
}

/* uint64_t keep_registers(void (*call)(void *), void *argument, uint64_t seed): fills what is
 * callee-saved with values made of seed, calls, and answers the bits that have changed. */
#if defined(__x86_64__)
#define HAVE_REGISTERS
__asm__(".text\n"
        ".type keep_registers, @function\n"
        "keep_registers:\n"
        "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15; push %rdx\n"
        "lea 1(%rdx), %rbx; lea 2(%rdx), %rbp; lea 3(%rdx), %r12\n"
        "lea 4(%rdx), %r13; lea 5(%rdx), %r14; lea 6(%rdx), %r15\n"
        "mov %rdi, %rax; mov %rsi, %rdi; call *%rax\n"
        "pop %rdx\n"
        "dec %rbx; sub $2, %rbp; sub $3, %r12; sub $4, %r13; sub $5, %r14; sub $6, %r15\n"
        "xor %rdx, %rbx; xor %rdx, %rbp; xor %rdx, %r12; xor %rdx, %r13\n"
        "xor %rdx, %r14; xor %rdx, %r15\n"
        "mov %rbx, %rax; or %rbp, %rax; or %r12, %rax; or %r13, %rax\n"
        "or %r14, %rax; or %r15, %rax\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
        "ret\n");
#elif defined(__aarch64__)
#define HAVE_REGISTERS
__asm__(".text\n"
        ".type keep_registers, %function\n"
        "keep_registers:\n"
        "stp x29, x30, [sp, #-176]!\n"
        "stp x19, x20, [sp, #16]; stp x21, x22, [sp, #32]; stp x23, x24, [sp, #48]\n"
        "stp x25, x26, [sp, #64]; stp x27, x28, [sp, #80]\n"
        "stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]; str x2, [sp, #160]\n"
        ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28\n"
        "add x\\n, x2, #\\n\n"
        ".endr\n"
        ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "add x9, x2, #\\n; fmov d\\n, x9\n"
        ".endr\n"
        "mov x9, x0; mov x0, x1; blr x9\n"
        "ldr x2, [sp, #160]; mov x0, #0\n"
        ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28\n"
        "sub x9, x\\n, #\\n; eor x9, x9, x2; orr x0, x0, x9\n"
        ".endr\n"
        ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "fmov x9, d\\n; sub x9, x9, #\\n; eor x9, x9, x2; orr x0, x0, x9\n"
        ".endr\n"
        "ldp x19, x20, [sp, #16]; ldp x21, x22, [sp, #32]; ldp x23, x24, [sp, #48]\n"
        "ldp x25, x26, [sp, #64]; ldp x27, x28, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]\n"
        "ldp d12, d13, [sp, #128]; ldp d14, d15, [sp, #144]\n"
        "ldp x29, x30, [sp], #176\n"
        "ret\n");
#endif

#if defined(HAVE_REGISTERS)
uint64_t keep_registers(void (*call)(void *), void *argument, uint64_t seed);

static void suspend_it(void *coroutine)
{
    wherry__coroutine_suspend(coroutine);
}

static void resume_it(void *coroutine)
{
    wherry__coroutine_resume(coroutine);
}

static void registers_body(void *argument)
{
    actor *self = argument;

    for (size_t i = 0; i < self->rounds; i++)
        self->result |= keep_registers(suspend_it, &self->coroutine, self->seed << i);
}
#endif

static void registers_survive(void **state)
{
#if defined(HAVE_REGISTERS)
    actor actors[2] = { { .seed = 0x0123456789abcdef, .rounds = 5 },
                        { .seed = 0xfedcba9876543210, .rounds = 5 } };

    (void)state;
    for (int i = 0; i < 2; i++)
        start(&actors[i], registers_body);
    for (uint64_t i = 0; i < 12; i++)
        assert_int_equal(keep_registers(resume_it, &actors[i % 2].coroutine, i << 33), 0);
    for (int i = 0; i < 2; i++)
        stop(&actors[i]);
#else
    (void)state;
    process_skip("no assembler for this processor");
#endif
}

/* Rounding of this thread: 0 to nearest, 1 up, 2 down. By the control words themselves, since
 * fesetround(3) would need libm. */
#if defined(__x86_64__)
#define HAVE_ROUNDING
static void round_to(unsigned mode)
{
    static const unsigned bits[] = { 0, 2, 1 };
    const unsigned mxcsr = 0x1f80 | bits[mode] << 13;
    const uint16_t x87 = (uint16_t)(0x037f | bits[mode] << 10);

    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(x87));
}
#elif defined(__aarch64__)
#define HAVE_ROUNDING
static void round_to(unsigned mode)
{
    const uint64_t fpcr = (uint64_t)mode << 22;

    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
}
#endif

#if defined(HAVE_ROUNDING)
/* What a third is, in both formats that have a unit of their own. */
typedef struct third {
    double plain;
    long double extended;
} third;

/* By way of volatile variables, so that the division stays between two changes of mode. */
static third divide(void)
{
    volatile double one = 1, three = 3, plain;
    volatile long double one_extended = 1, three_extended = 3, extended;

    plain = one / three;
    extended = one_extended / three_extended;
    return (third){ .plain = plain, .extended = extended };
}

static bool same(third one, third other)
{
    return one.plain >= other.plain && one.plain <= other.plain && one.extended >= other.extended &&
           one.extended <= other.extended;
}

static void rounding_body(void *argument)
{
    actor *self = argument;
    const third inherited = divide();
    third mine;

    wherry__coroutine_suspend(&self->coroutine);
    self->result |= !same(divide(), inherited);
    round_to((unsigned)self->seed);
    mine = divide();
    for (size_t i = 0; i < self->rounds; i++) {
        wherry__coroutine_suspend(&self->coroutine);
        self->result |= !same(divide(), mine);
    }
}
#endif

static void rounding_is_each_sides_own(void **state)
{
#if defined(HAVE_ROUNDING)
    actor actors[2] = { { .seed = 1, .rounds = 4 }, { .seed = 2, .rounds = 4 } };
    const third nearest = divide();
    third up;

    (void)state;
    round_to(1);
    up = divide();
    round_to(0);
    if (same(up, nearest))
        process_skip("this emulator does not round");
    for (int i = 0; i < 2; i++)
        start(&actors[i], rounding_body);
    for (int i = 0; i < 12; i++) {
        wherry__coroutine_resume(&actors[i % 2].coroutine);
        assert_true(same(divide(), nearest));
    }
    for (int i = 0; i < 2; i++)
        stop(&actors[i]);
#else
    (void)state;
    process_skip("no assembler for this processor");
#endif
}

/* An aligned local, the frame itself, and an instruction that traps when they are not. */
static void alignment_body(void *argument)
{
    actor *self = argument;
    _Alignas(16) volatile double numbers[2] = { 1, 2 };

    self->result |= (uintptr_t)numbers % 16;
    self->result |= (uintptr_t)__builtin_frame_address(0) % 16;
#if defined(__x86_64__)
    __asm__ volatile("movaps %0, %%xmm0; addpd %%xmm0, %%xmm0; movaps %%xmm0, %0"
                     : "+m"(numbers)
                     :
                     : "xmm0");
#else
    numbers[0] *= 2;
#endif
    wherry__coroutine_suspend(&self->coroutine);
    self->result |= numbers[0] < 2 || numbers[0] > 2;
}

static void stack_is_aligned_at_entry(void **state)
{
    actor one = { .result = 0 };

    (void)state;
    start(&one, alignment_body);
    wherry__coroutine_resume(&one.coroutine);
    assert_int_equal(one.result, 0);
    wherry__coroutine_resume(&one.coroutine);
    stop(&one);
}

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *count)
{
    (void)context;
    return ++*(size_t *)count < 100 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static void backtrace_body(void *argument)
{
    actor *self = argument;
    size_t frames = 0;

    for (size_t i = 0; i < 2; i++) {
        self->result |= _Unwind_Backtrace(count_frame, &frames) != _URC_END_OF_STACK;
        wherry__coroutine_suspend(&self->coroutine);
    }
    self->seed = frames / 2;
}

/* This function, the first in C, and the one in assembler under it. */
static void backtrace_ends_where_the_stack_begins(void **state)
{
#if defined(WHERRY_SWITCH_UCONTEXT)
    (void)state;
    (void)backtrace_body;
    process_skip("the C library's own business");
#else
    actor one = { .result = 0 };

    (void)state;
    start(&one, backtrace_body);
    for (int i = 0; i < 3; i++)
        wherry__coroutine_resume(&one.coroutine);
    assert_in_range(one.seed, 2, 4);
    stop(&one);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_survive),
        cmocka_unit_test(rounding_is_each_sides_own),
        cmocka_unit_test(stack_is_aligned_at_entry),
        cmocka_unit_test(backtrace_ends_where_the_stack_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
