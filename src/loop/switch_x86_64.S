/* The switch for x86-64, System V ABI. What lies on a stack that is left off, from its stack
 * pointer:
 *
 *      0  mxcsr, x87 control word
 *      8  r15   16  r14   24  r13   32  r12   40  rbx   48  rbp
 *     56  where to go on
 *
 * Both sides of the change of rsp have this same frame, so one set of unwind rules holds before and
 * after it.
 *
 * The way on is a jump, not a ret: a ret would be predicted to go back to the caller, and be wrong
 * every time. A control word is loaded only when it differs, which it nearly never does. The note
 * at the end claims indirect branch tracking but no shadow stack, which knows nothing of other
 * stacks.
 */
#include "loop/switch.h"

#if defined(WHERRY_SWITCH_X86_64)

        .text

        .globl  wherry__switch
        .hidden wherry__switch
        .type   wherry__switch, @function
        .p2align 4
wherry__switch:                         /* rdi: save, rsi: to */
        .cfi_startproc
        endbr64
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movl    (%rsp), %eax
        movzwl  4(%rsp), %ecx

        movq    %rsp, (%rdi)
        movq    %rsi, %rsp

        cmpl    (%rsp), %eax
        jne     3f
1:      cmpw    4(%rsp), %cx
        jne     4f
2:      addq    $8, %rsp
        .cfi_remember_state
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rdx
        notrack jmp *%rdx
        .cfi_restore_state
3:      ldmxcsr (%rsp)
        jmp     1b
4:      fldcw   4(%rsp)
        jmp     2b
        .cfi_endproc
        .size   wherry__switch, . - wherry__switch

/* The first frame of a stack: the prepared r12 is the function, r13 its argument. Return addresses
 * end here, for whoever walks the stack by unwind rules (rip is undefined) or by frame pointers
 * (rbp is zero). */
        .type   begin, @function
        .p2align 4
begin:
        .cfi_startproc
        .cfi_undefined %rip
        endbr64
        movq    %r13, %rdi
        callq   *%r12
        ud2
        .cfi_endproc
        .size   begin, . - begin

        .globl  wherry__switch_prepare
        .hidden wherry__switch_prepare
        .type   wherry__switch_prepare, @function
        .p2align 4
wherry__switch_prepare:                 /* rdi: top, rsi: function, rdx: argument */
        .cfi_startproc
        endbr64
        andq    $-16, %rdi
        leaq    -64(%rdi), %rax         /* begin finds rsp at top, aligned as for its call */
        leaq    begin(%rip), %rcx
        movq    $0, (%rax)
        stmxcsr (%rax)
        fnstcw  4(%rax)
        movq    $0, 8(%rax)
        movq    $0, 16(%rax)
        movq    %rdx, 24(%rax)
        movq    %rsi, 32(%rax)
        movq    $0, 40(%rax)
        movq    $0, 48(%rax)
        movq    %rcx, 56(%rax)
        ret
        .cfi_endproc
        .size   wherry__switch_prepare, . - wherry__switch_prepare

        .section .note.gnu.property, "a", %note
        .p2align 3
        .long   4                       /* length of the name */
        .long   16                      /* length of the properties */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000002              /* GNU_PROPERTY_X86_FEATURE_1_AND */
        .long   4
        .long   1                       /* IBT */
        .long   0

#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
