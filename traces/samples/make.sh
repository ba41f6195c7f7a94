#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Records the sample traces anew: make.sh QUANTA, in this folder. They are kept as they are while the format can read them; make them anew
# when the guests or what is recorded of them have changed.
set -eu
quanta=$(realpath "${1:?which quanta?}")
cd "$(dirname -- "$0")"
rec() { # NAME ARGUMENT...
    name=$1
    shift
    "$quanta" record -o "$name.qtr" "$@"
}
rec sort elf:guests/sort 10000
rec matmul elf:guests/matmul 96 2
rec phases --for 20M elf:guests/phases 4 10000 512
rec list --for 400k elf:guests/list 512 1000000
rec spin --for 20M elf:guests/spin 20
rec lz elf:guests/lz 32 1
rec server elf:guests/server 400 200
rec sha256 elf:guests/sha256
rec btree --for 3M elf:guests/btree
rec interp --for 20M elf:guests/interp 2 20000
rec fft --for 20M elf:guests/fft
rec stream --for 10M elf:guests/stream 512 10
rec hashjoin --for 1500k elf:guests/hashjoin 20000 100000
