/* The switch for AArch64, AAPCS64. What lies on a stack that is left off, from its stack pointer:
 *
 *      0  x29 (frame pointer), x30 (where to go on)
 *     16  x19 ... x28
 *     96  d8 ... d15
 *    160  fpcr, and a word that is not used
 *
 * Both sides of the change of sp have this same frame, so one set of unwind rules holds before and
 * after it.
 *
 * Where to go on is signed with the stack pointer as every function's is; prepare signs the first
 * one likewise. The instructions for it, and for landing, lie in the hint space: older processors
 * take them as nothing. fpcr is written only when it differs, since that is slow on some
 * processors.
 */
#include "loop/switch.h"

#if defined(WHERRY_SWITCH_AARCH64)

#define PACIASP    hint #25
#define AUTIASP    hint #29
#define PACIA1716  hint #8
#define BTI_C      hint #34
#define FRAME      176

        .text

        .globl  wherry__switch
        .hidden wherry__switch
        .type   wherry__switch, %function
        .p2align 4
wherry__switch:                         /* x0: save, x1: to */
        .cfi_startproc
        PACIASP                         /* a landing place too */
        .cfi_negate_ra_state
        stp     x29, x30, [sp, #-FRAME]!
        .cfi_def_cfa_offset FRAME
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        stp     x19, x20, [sp, #16]
        .cfi_rel_offset x19, 16
        .cfi_rel_offset x20, 24
        stp     x21, x22, [sp, #32]
        .cfi_rel_offset x21, 32
        .cfi_rel_offset x22, 40
        stp     x23, x24, [sp, #48]
        .cfi_rel_offset x23, 48
        .cfi_rel_offset x24, 56
        stp     x25, x26, [sp, #64]
        .cfi_rel_offset x25, 64
        .cfi_rel_offset x26, 72
        stp     x27, x28, [sp, #80]
        .cfi_rel_offset x27, 80
        .cfi_rel_offset x28, 88
        stp     d8, d9, [sp, #96]
        .cfi_rel_offset d8, 96
        .cfi_rel_offset d9, 104
        stp     d10, d11, [sp, #112]
        .cfi_rel_offset d10, 112
        .cfi_rel_offset d11, 120
        stp     d12, d13, [sp, #128]
        .cfi_rel_offset d12, 128
        .cfi_rel_offset d13, 136
        stp     d14, d15, [sp, #144]
        .cfi_rel_offset d14, 144
        .cfi_rel_offset d15, 152
        mrs     x9, fpcr
        str     x9, [sp, #160]

        mov     x10, sp
        str     x10, [x0]
        mov     sp, x1

        ldr     x10, [sp, #160]
        cmp     x9, x10
        b.eq    1f
        msr     fpcr, x10
1:      ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #FRAME
        .cfi_def_cfa_offset 0
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        .cfi_restore d8
        .cfi_restore d9
        .cfi_restore d10
        .cfi_restore d11
        .cfi_restore d12
        .cfi_restore d13
        .cfi_restore d14
        .cfi_restore d15
        .cfi_restore x29
        .cfi_restore x30
        AUTIASP
        .cfi_negate_ra_state
        ret
        .cfi_endproc
        .size   wherry__switch, . - wherry__switch

/* The first frame of a stack: the prepared x19 is the function, x20 its argument. Return addresses
 * end here, for whoever walks the stack by unwind rules (x30 is undefined) or by frame pointers
 * (x29 is zero). */
        .type   begin, %function
        .p2align 4
begin:
        .cfi_startproc
        .cfi_undefined x30
        mov     x0, x20
        blr     x19
        brk     #0
        .cfi_endproc
        .size   begin, . - begin

        .globl  wherry__switch_prepare
        .hidden wherry__switch_prepare
        .type   wherry__switch_prepare, %function
        .p2align 4
wherry__switch_prepare:                 /* x0: top, x1: function, x2: argument */
        .cfi_startproc
        BTI_C
        and     x16, x0, #-16           /* what sp will be when x30 is checked */
        adrp    x17, begin
        add     x17, x17, #:lo12:begin
        PACIA1716
        sub     x0, x16, #FRAME
        stp     xzr, x17, [x0]
        stp     x1, x2, [x0, #16]
        stp     xzr, xzr, [x0, #32]
        stp     xzr, xzr, [x0, #48]
        stp     xzr, xzr, [x0, #64]
        stp     xzr, xzr, [x0, #80]
        stp     xzr, xzr, [x0, #96]
        stp     xzr, xzr, [x0, #112]
        stp     xzr, xzr, [x0, #128]
        stp     xzr, xzr, [x0, #144]
        mrs     x9, fpcr
        stp     x9, xzr, [x0, #160]
        ret
        .cfi_endproc
        .size   wherry__switch_prepare, . - wherry__switch_prepare

        .section .note.gnu.property, "a", %note
        .p2align 3
        .long   4                       /* length of the name */
        .long   16                      /* length of the properties */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000000              /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
        .long   4
        .long   3                       /* BTI, PAC */
        .long   0

#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
