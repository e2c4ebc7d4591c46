/* SPDX-License-Identifier: Apache-2.0 */
#define BARRIER 0x2000
.section .text.init
.globl _start
_start:
  li x1,0; li x4,0; li x5,0; li x6,0; li x7,0; li x8,0; li x9,0; li x11,0; li x12,0; li x13,0; li x14,0; li x15,0; li x16,0; li x17,0; li x18,0; li x19,0; li x20,0
  li x21,0; li x22,0; li x23,0; li x24,0; li x25,0; li x26,0; li x27,0; li x28,0; li x29,0; li x30,0; li x31,0; li x3,0
  csrr a0, mhartid
  srli t0,a0,2
  slli t0,t0,11
  andi t1,a0,3
  addi t1,t1,1
  slli t1,t1,9
  addi t1,t1,-16
  add sp,t0,t1
  bnez a0, 1f
  li t0, 0x40000058
  la t1, _erodata
  sw t1,0(t0)
  fence
1: call main
  csrw 0x8ff, x0
  bnez a0, 2f
2:
  csrr t0, mhartid
  bnez t0, 3f
  li t0, 0x40000000
  li t1, 1
  sw t1,0(t0)
3: wfi
  j 3b
