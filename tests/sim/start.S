# SPDX-License-Identifier: Apache-2.0
# Start of the test programs, for 16 cores: a stack, main(core), a barrier; then core 0 ends the program with main's
# result.
  .section .text.init, "ax"
  .globl _start
  .type _start, @function
_start:
  csrr a0, mhartid
  slli t0, a0, 9
  csrw 0x7d1, t0          # the stack's limit
  addi sp, t0, 512
  call main
  mv s0, a0
  call barrier
  csrr t0, mhartid
  bnez t0, 1f
  slli s0, s0, 1
  ori s0, s0, 1
  li t0, 0x40000000
  sw s0, 0(t0)
1:wfi
  j 1b
  .size _start, . - _start

# Sleeps until all cores have come.
  .text
  .globl barrier
  .type barrier, @function
barrier:
  fence
  la t0, arrived
  li t1, 1
  amoadd.w t1, t1, (t0)
  li t2, 15
  bne t1, t2, 1f
  sw zero, 0(t0)
  fence
  li t0, 0x40000004
  li t1, -1
  sw t1, 0(t0)
1:wfi
  ret
  .size barrier, . - barrier

# print(text)
  .globl print
  .type print, @function
print:
  li t0, 0xc0000000
1:lbu t1, 0(a0)
  beqz t1, 2f
  sb t1, 0(t0)
  addi a0, a0, 1
  j 1b
2:ret
  .size print, . - print

  .data
  .balign 4
arrived: .word 0
