# SPDX-License-Identifier: Apache-2.0
# A kernel with something of everything: all cores multiply what they load from one bank, between barriers; core 0
# divides, lets DMA copy, and prints. Its names are mangled, as a compiler would.
  .text
  .globl main
  .type main, @function
main:
  addi sp, sp, -16
  sw ra, 12(sp)
  sw s0, 8(sp)
  mv s0, a0
  call barrier
  li t0, 1
  csrw 0x7d0, t0          # here begins what is of interest
  mv a0, s0
  call _ZN4test12_GLOBAL__N_16kernelIiEEvT_
  csrw 0x7d0, zero
  call barrier
  bnez s0, 1f
  call copy
  la a0, hello
  call print
1:li a0, 0
  lw s0, 8(sp)
  lw ra, 12(sp)
  addi sp, sp, 16
  ret
  .size main, . - main

# void test::(anonymous namespace)::kernel<int>(int)
  .type _ZN4test12_GLOBAL__N_16kernelIiEEvT_, @function
_ZN4test12_GLOBAL__N_16kernelIiEEvT_:
  li t0, 0x2000           # the same word for all cores
  li t1, 20
1:lw t2, 0(t0)
  lw t3, 4(t0)
  mul t4, t2, t3
  add a1, a1, t4
  addi t1, t1, -1
  bnez t1, 1b
  sw a1, 0x100(t0)
  bnez a0, 2f
  li t1, 7
  div a1, t0, t1
  addi a1, a1, 1
2:ret
  .size _ZN4test12_GLOBAL__N_16kernelIiEEvT_, . - _ZN4test12_GLOBAL__N_16kernelIiEEvT_

# 1024 bytes by DMA
  .type copy, @function
copy:
  li t0, 0x40010000
  li t1, 0x80001000
  sw t1, 0(t0)
  li t1, 0x3000
  sw t1, 4(t0)
  li t1, 1024
  sw t1, 8(t0)
  lw t1, 0x14(t0)         # launches it
1:lw t1, 0x18(t0)
  beqz t1, 1b
  ret
  .size copy, . - copy

  .section .rodata
hello: .string "hello\n"
