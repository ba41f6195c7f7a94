/* SPDX-License-Identifier: GPL-2.0-or-later */
/* General-purpose instructions on Ivy Bridge, Haswell and Skylake. The language of the rows is in cpu-uarch-intel.h.
 *
 * Sources: ports and latencies measured per instruction by Abel and Reineke, "uops.info: Characterizing Latency, Throughput, and Port Usage of Instructions
 * on Intel Microarchitectures", ASPLOS 2019, and its tables; Agner Fog, "Instruction tables" (4), lists for Ivy Bridge, Haswell and Skylake; for the division
 * of work between micro-ops: Intel, "64 and IA-32 Architectures Optimization Reference Manual", 248966, section "3-operand LEA" and the latency tables
 * of its appendix. Divisions take a range of times; those for small quotients stand here. */
#include "cpu-uarch-intel.h"

#define ALU(names, when) {names, when, {"p015", "p0156", NULL}}

static const cpu_intel_row rows[] = {
    /* Moves. */
    {"mov", "M", {"-"}},
    {"mov", "mgb", {"p015", "p0156"}},
    {"mov", "mgw", {"p015", "p0156"}},
    {"mov", "m", {"-"}},
    {"mov", "i", {"p015", "p0156"}},
    {"mov", "gGq", {"move015", "move0156"}},
    {"mov", "gGd", {"move015", "move0156"}},
    {"mov", "gG", {"p015", "p0156"}},
    {"mov", "g", {"p015", "p0156"}},                                    /* from a segment or control register */
    {"mov", "", {"ms 5*p015 p5/10:*>M", "ms 5*p0156 p5/10:*>M"}},      /* to one */
    {"lfs lgs lss", "", {"ms 5*p015 p5/10:*>*", "ms 5*p0156 p5/10:*>*"}},
    {"movzx", "mw", {"p015", "p0156"}},
    {"movzx", "m", {"-"}},
    {"movsx", "mw", {"p015", "p0156"}},
    {"movsx movsxd", "m", {"-"}},
    {"movzx", "hq", {"move015", "move0156"}},
    {"movzx", "hd", {"move015", "move0156"}},
    {"movsx movsxd movzx", "", {"p015", "p0156"}},
    {"movbe", "Mq", {"2*p15 p15", "p06 p15"}},
    {"movbe", "M", {"p15"}},
    {"movbe", "q", {"p06 p15"}},
    {"movbe", "w", {"p06 p15"}},
    {"movbe", "", {"p15"}},
    {"movnti", "", {"-"}},
    {"xchg", "m", {"3*p015 2*p5 p05/14:M>M", "4*p0156 2*p06 p06/13:M>M", "4*p0156 2*p06 p06/12:M>M"}},
    {"xchg", "b", {"p015:1>t p015:2>1 p015:t>2", "p0156:1>t p0156:2>1 p0156:t>2"}},
    {"xchg", "", {"p015:1>t p015:2>1 p015:t>2", "p0156:1>t p0156:2>1 p0156:t>2"}},
    {"cbw", "", {"p015", "p0156"}},
    {"cwde cdqe", "", {"@0p015", "@0p0156", "@3p0156"}},
    {"cwd", "", {"p05 p015", "p06 p0156"}},
    {"cdq cqo", "", {"p05", "p06"}},
    {"bswap", "q", {"p1 p05", "p15 p06"}},
    {"bswap", "", {"p1", "p15"}},
    {"lahf", "", {"p05", "p06"}},
    {"sahf", "", {"p05", "p06"}},
    {"stc cmc", "", {"p015", "p0156"}},
    {"clc", "", {"idle", "p0156", "idle"}},
    {"cld", "", {"p015 p5 p5", "3*p0156"}},
    {"std", "", {"p015 p5 p5", "6*p0156"}},
    {"xlat", "", {"p015 p015", "p0156 p0156"}},

    /* Stack. */
    {"push", "m", {"-"}},
    {"push", "", {"-"}},
    {"pop", "", {"-"}},
    {"pushf pushfq", "", {"p05 p1", "p06 p1"}},
    {"popf popfq", "", {"ms p015 2*p015 p1 p5 p5/1", "ms p0156 3*p0156 p1 2*p6"}},
    {"leave", "", {"+1!p015:i>t p015:*>*", "+1!p0156:i>t p0156:*>*"}}, /* the load waits until RSP is RBP */
    {"enter", "", {"ms 8*p015", "ms 9*p0156"}},

    /* Arithmetic and logic. */
    {"xor sub", "=q", {"idle:>*"}},
    {"xor sub", "=d", {"idle:>*"}},
    {"inc dec", "mL", {"!p015 2*p05 p05/17:M>M", "!p0156 2*p06 p06/17:M>M", "!p0156 2*p06 p06/16:M>M"}},
    {"add and or sub xor neg not bts btr btc", "L", {"p015 2*p05 p05/17:M>M", "p0156 2*p06 p06/17:M>M", "p0156 2*p06 p06/16:M>M"}},
    {"inc dec", "m", {"!p015", "!p0156"}},
    ALU("add and cmp dec inc neg not or sub test xor", ""),
    {"adc sbb", "L", {"p015 3*p05 p05/17:M>M", "p0156 3*p06 p06/17:M>M", "p06 3*p0156 p06/16:M>M"}},
    {"adc sbb", "M", {"p015:1>t p05:t2f>1f p05:", "p0156:1>t p06:t2f>1f p0156:", "p06:12f>1f 2*p0156"}},
    {"adc sbb", "0", {"p05", "p06"}},
    {"adc sbb", "", {"p015:12>t p05:tf>1f", "p0156:12>t p06:tf>1f", "p06"}},
    {"adcx adox", "", {"p06"}},
    {"lea", "w", {"p01 p015", "p15 p0156"}},
    {"lea", "l", {"p1/3"}},
    {"lea", "", {"p01", "p15"}},
    {"imul", "1b", {"p1/3"}},
    {"imul mul", "1b", {"p1/3"}},
    {"imul mul", "1w", {"p1/3:*>a p05:*>df 2*p015", "p1/3:*>a p06:*>df 2*p0156"}},
    {"imul mul", "1d", {"p1/3:*>atf p0:t>d p5:", "p1/3:*>atf p0156:t>d p06:"}},
    {"imul mul", "1q", {"p1/3:*>atf p0:t>d", "p1/3:*>atf p6:t>d", "p1/3:*>atf p5:t>d"}},
    {"imul", "w3", {"p1/3 p015", "p1/3 p0156"}},
    {"imul", "", {"p1/3"}},
    {"mulx", "d", {"p1/3:*>2t p5:t>1 p06:"}},
    {"mulx", "", {"p1/3:*>2t p5:t>1"}},
    {"div", "b", {"p0/20!8:*>* 5*p015 3*p15", "p0/22!9:*>* 5*p0156 3*p15", "p0/23!6:*>* 5*p0156 4*p15"}},
    {"div", "w", {"p0/22!9:*>* 6*p015 3*p15", "p0/23!9:*>* 6*p0156 3*p15", "p0/23!6:*>* 5*p0156 4*p15"}},
    {"div", "d", {"p0/22!9:*>* 6*p015 3*p15", "p0/23!9:*>* 5*p0156 4*p15", "p0/26!6:*>* 5*p0156 4*p15"}},
    {"div", "q", {"ms p0/34!22:*>* 4*p01 10*p015 2*p05 3*p1 11*p5", "ms p0/34!21:*>* 8*p01 12*p0156 3*p06 6*p1 5*p5",
                   "ms p0/35!21:*>* 8*p01 12*p0156 3*p06 6*p1 5*p5"}},
    {"idiv", "b", {"p0/22!8:*>* 5*p015 3*p15", "p0/23!8:*>* 5*p0156 3*p15", "p0/24!6:*>* 6*p0156 4*p15"}},
    {"idiv", "w", {"p0/22!9:*>* 5*p015 3*p15", "p0/24!8:*>* 5*p0156 3*p15", "p0/24!6:*>* 5*p0156 4*p15"}},
    {"idiv", "d", {"p0/22!9:*>* 5*p015 3*p15", "p0/23!8:*>* 5*p0156 3*p15", "p0/26!6:*>* 5*p0156 4*p15"}},
    {"idiv", "q", {"ms p0/39!24:*>* 18*p01 12*p05 4*p1 6*p15 15*p5", "ms p0/39!24:*>* 18*p01 12*p06 4*p1 6*p15 17*p0156",
                    "ms p0/42!24:*>* 18*p01 12*p06 4*p1 6*p15 15*p0156"}},

    /* Shifts and rotates. */
    {"shl shr sar", "Mc", {"p05:12>1t p05:tf>f", "p06:12>1t p06:f>u p06:tu>f", "p06:12>1t p06:f>u p06:tu>f"}},
    {"shl shr sar", "c", {"p05:12>1t p05:tf>f", "@0p06:12>1t p0156:f>u p06:tu>f", "@2p06:12>1t p06:f>u p06:tu>f"}},
    {"shl shr sar", "", {"p05", "p06"}},
    {"rol ror", "c", {"p05:12>1t p05:tf>f", "@0p06:12>1t p0156:f>u p06:tu>f", "@2p06:12>1t p06:f>u p06:tu>f"}},
    {"rol ror", "s", {"p05:1>1t p05:tf>f", "p06:1>1t p06:tf>f"}},
    {"rol ror", "", {"p05", "p06"}},
    {"rcl rcr", "s", {"p015:1>t p05:tf>u p05:uf>1f", "p0156:1>t p06:tf>u p0156:uf>1f"}},
    {"rcl rcr", "", {"2*p015 4*p05 p5/4 p1", "3*p0156 3*p06 p15/4 p1"}},
    {"shld shrd", "Mc", {"3*p05 p015", "3*p0156 p1/3"}},
    {"shld shrd", "M", {"p05 p015", "p1/3 p0156", "p1/3 p0156"}},
    {"shld shrd", "c", {"3*p05 p015", "p0156 p1/3 p06:*>f p06:", "p0156 p1/3 p06:*>f p06:"}},
    {"shld shrd", "", {"p1", "p1/3"}},
    {"rorx shlx shrx sarx", "", {"p06"}},

    /* Bits. */
    {"bt", "MG", {"3*p015 3*p05 2*p5 p05", "3*p0156 4*p06 p15 p06"}},
    {"bts btr btc", "MG", {"3*p015 3*p05 2*p5 p05", "3*p0156 4*p06 p15 p06"}},
    {"bt bts btr btc", "", {"@0p05", "@0p06", "@3p06"}},
    {"bsf bsr popcnt lzcnt tzcnt", "", {"p1/3"}},
    {"andn blsi blsr blsmsk bzhi", "", {"p15"}},
    {"bextr", "", {"p06 p15"}},
    {"pdep pext crc32", "", {"p1/3"}},

    /* Conditional moves and sets; those that need both carry and zero take a micro-op more. */
    {"cmovbe cmovnbe", "", {"p05:f>t p05:2t>u p015:1u>1", "p06:f>t p06:2t>u p0156:1u>1", "p06:2f>t p06:1tf>1"}},
    {"cmovb cmovl cmovle cmovnb cmovnl cmovnle cmovno cmovnp cmovns cmovnz cmovo cmovp cmovs cmovz", "",
     {"p05:2f>t p015:1t>1", "p06:2f>t p0156:1t>1", "@3p06"}},
    {"setbe setnbe", "", {"p05:f>t p05:tf1>1", "p06:f>t p06:tf1>1"}},
    {"setb setl setle setnb setnl setnle setno setnp setns setnz seto setp sets setz", "M", {"@0p05", "@0p06", "@3p06"}},
    {"setb setl setle setnb setnl setnle setno setnp setns setnz seto setp sets setz", "", {"@2p05", "@2p06", "@3p06"}},

    /* Branches. */
    {"jb jbe jl jle jnb jnbe jnl jnle jno jnp jns jnz jo jp js jz", "", {"p5", "p06"}},
    {"jmp", "", {"p5", "p6"}},
    {"call", "", {"p5", "p6"}},
    {"ret", "", {"p5", "p6"}},
    {"jrcxz jecxz", "", {"p015 p5", "p0156 p6"}},
    {"loop", "", {"3*p015 p05:*>i p5:*>", "3*p0156 p06:*>i 2*p06 p6:*>"}},
    {"loope loopne", "", {"7*p015 p05:*>i p5:*>", "7*p0156 p06:*>i 2*p06 p6:*>"}},

    /* Exchange and compare. */
    {"xadd", "L", {"3*p015 p05/18:*>*M 2*p05", "3*p0156 p06/18:*>*M 2*p06"}},
    {"xadd", "M", {"p015:12>t p015:t>1f p015:1>2", "p0156:12>t p0156:t>1f p0156:1>2"}},
    {"xadd", "", {"p015:12>t p015:1>2 p015:t>1f", "p0156:12>t p0156:1>2 p0156:t>1f"}},
    {"cmpxchg", "L", {"4*p015 p05:*>* p05/18:M>M p5:", "4*p0156 p06:*>* p06/18:M>M p06:"}},
    {"cmpxchg", "", {"p015:*>tf 2*p015 p05:*>t p015:*>1a", "p0156:*>tf 2*p0156 p06:*>t p0156:*>1a"}},
    {"cmpxchg8b cmpxchg16b", "L", {"ms 14*p015 p015/10 p05/20:M>M", "ms 16*p0156 p0156/10 p06/20:M>M"}},
    {"cmpxchg8b cmpxchg16b", "", {"ms 14*p015 p015/10", "ms 16*p0156 p0156/10"}},

    /* String operations: the pointers are counted by micro-ops of their own. A repeated one is started by the microcode. */
    {"movsb movsd movsq movsw", "R", {"ms p015:D>D p015:S>S p015:c>c 20*p015", "ms p0156:D>D p0156:S>S p0156:c>c 20*p0156"}},
    {"stosb stosd stosq stosw", "R", {"ms p015:D>D p015:c>c 20*p015", "ms p0156:D>D p0156:c>c 20*p0156"}},
    {"lodsb lodsd lodsq lodsw", "R", {"ms p015:S>S p015:c>c p015:1>1 4*p015", "ms p0156:S>S p0156:c>c p0156:*>a 4*p0156"}},
    {"scasb scasd scasq scasw", "R", {"ms p015:D>D p015:c>c p015:*>f 4*p015", "ms p0156:D>D p0156:c>c p0156:*>f 4*p0156"}},
    {"cmpsb cmpsd cmpsq cmpsw", "R", {"ms p015:D>D p015:S>S p015:c>c p015:*>f 4*p015", "ms p0156:D>D p0156:S>S p0156:c>c p0156:*>f 4*p0156"}},
    {"movsb movsw movsq", "", {"!p015:D>D p015:S>S", "!p0156:D>D p0156:S>S"}},
    {"movsd", "!v!V", {"!p015:D>D p015:S>S", "!p0156:D>D p0156:S>S"}},
    {"stosb stosd stosq stosw", "", {"p015:D>D", "p0156:D>D"}},
    {"lodsb lodsw", "", {"!p015:*>a p015:S>S", "!p0156:*>a p0156:S>S"}},
    {"lodsd lodsq", "", {"!p015:*>a p015:S>S", "!p0156:*>a p0156:S>S"}},
    {"scasb scasd scasq scasw", "", {"!p015:*>f p015:D>D", "!p0156:*>f p0156:D>D"}},
    {"cmpsb cmpsw cmpsq", "", {"!p015:D>D p015:S>S p015:*>f", "!p0156:D>D p0156:S>S p0156:*>f"}},
    {"cmpsd", "!v!V", {"!p015:D>D p015:S>S p015:*>f", "!p0156:D>D p0156:S>S p0156:*>f"}},

    /* No operation, fences, caches. */
    {"nop endbr64 endbr32 prefetchw prefetchwt1", "", {"idle"}},
    {"ud0 ud1 ud2", "", {"p5", "p6"}},
    {"pause", "", {"4*p015 p5/9:M>M", "4*p0156 p6/9:M>M", "4*p0156 p6/140:M>M"}},
    {"lfence", "", {"2*p015", "2*p0156", "p6 p6/4:M>M"}},
    {"sfence", "", {"p5/5:M>M", "p6/5:M>M"}},
    {"mfence", "", {"2*p5 p5/33:M>M", "2*p6 p6/33:M>M", "2*p6 p6/33:M>M"}},
    {"clflush clflushopt clwb", "", {"3*p015", "3*p0156"}},
    {"prefetcht0 prefetcht1 prefetcht2 prefetchnta prefetch", "", {"p23"}},

    /* System. */
    {"cpuid", "", {"ms 22*p015 p015/100:*>*M 6*p5", "ms 22*p0156 p0156/100:*>*M 6*p06"}},
    {"rdtsc", "", {"ms 15*p015 p5/27:M>adM", "ms 13*p0156 p5/24:M>adM", "ms 13*p0156 p5/25:M>adM"}},
    {"rdtscp", "", {"ms 18*p015 p5/32:M>adcM", "ms 17*p0156 p5/30:M>adcM", "ms 17*p0156 p5/32:M>adcM"}},
    {"rdpmc", "", {"ms 30*p015 p5/37:*>adM", "ms 30*p0156 p5/37:*>adM"}},
    {"rdrand rdseed", "", {"ms 12*p015 p5/110:M>1fM", "ms 14*p0156 p5/300:M>1fM", "ms 14*p0156 p5/460:M>1fM"}},
    {"xgetbv", "", {"ms 6*p015 p5/6:*>ad", "ms 7*p0156 p5/7:*>ad"}},
    {"syscall sysret sysenter sysexit int int1 int3 into iret iretd iretq hlt vmcall vmmcall", "", {"ms 20*p015 p5/20:M>M", "ms 20*p0156 p6/20:M>M"}},
    {"in out insb insd insw outsb outsd outsw cli sti rdmsr wrmsr wbinvd invd invlpg lgdt lidt lldt ltr sgdt sidt sldt str smsw lmsw clts lar lsl verr verw "
     "swapgs monitor mwait xsetbv rdfsbase rdgsbase wrfsbase wrgsbase", "", {"ms 10*p015 p5/20", "ms 10*p0156 p5/20"}},
    {"xsave xsave64 xsavec xsavec64 xsaveopt xsaveopt64 xrstor xrstor64 fxsave fxsave64 fxrstor fxrstor64", "",
     {"ms 60*p015 30*p23 p5/60:M>M", "ms 60*p0156 30*p23 p5/60:M>M"}},
};

const cpu_intel_table cpu_intel_int = {rows, G_N_ELEMENTS(rows)};
