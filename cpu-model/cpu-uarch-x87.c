/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 instructions on Ivy Bridge, Haswell and Skylake. The language of the rows is in cpu-uarch-intel.h.
 *
 * Sources: Agner Fog, "Instruction tables" (4), lists for the three cores; the numbers of micro-ops of transcendental functions are typical
 * ones of his ranges. */
#include "cpu-uarch-intel.h"

static const cpu_intel_row rows[] = {
    {"fld", "m", {"-"}},
    {"fld", "", {"p01", "p01", "p05"}},
    {"fst fstp", "m", {"-"}},
    {"fst fstp fstpnce", "", {"p01", "p01", "p05"}},
    {"fild", "", {"p1/3", "p1/3", "p05/3"}},
    {"fist fistp", "", {"p1/3", "p1/3", "p5/3"}},
    {"fisttp", "", {"p1/3 p5", "p1/3 p5", "p5/3 p05"}},
    {"fld1", "", {"p0 p1", "p0 p1", "p05 p05"}},
    {"fldz", "", {"p0", "p01", "p05"}},
    {"fldpi fldl2e fldl2t fldlg2 fldln2", "", {"p0 p1", "p0 p1", "p05 p05"}},
    {"fxch fnop", "", {"idle"}},
    {"fincstp fdecstp", "", {"p01", "p01", "p05"}},
    {"ffree ffreep", "", {"p1", "p01", "p05"}},
    {"fwait", "", {"2*p0", "p01 p01", "p05 p05"}},
    {"fadd faddp fsub fsubp fsubr fsubrp", "", {"p1/3", "p1/3", "p5/3"}},
    {"fiadd fisub fisubr", "", {"p1/3 p1/3", "p1/3 p1/3", "p5/3 p5/3"}},
    {"fmul fmulp", "", {"p0/5", "p0/5", "p0/4"}},
    {"fimul", "", {"p1/3 p0/5", "p1/3 p0/5", "p5/3 p0/4"}},
    {"fdiv fdivp fdivr fdivrp", "", {"p0/16!12", "p0/15!10", "p0/15!5"}},
    {"fidiv fidivr", "", {"p1/3 p0/16!12", "p1/3 p0/15!10", "p5/3 p0/15!5"}},
    {"fsqrt", "", {"p0/21!17", "p0/17!13", "p0/18!6"}},
    {"fabs fchs", "", {"p0"}},
    {"fcom fcomp fucom fucomp ftst", "", {"p1/3", "p1/3", "p5/3"}},
    {"fcompp fucompp", "", {"p1/3 p01", "p1/3 p01", "p5/3 p05"}},
    {"fcomi fcomip fucomi fucomip", "", {"p0 p1/3 p5", "p0 p1/3 p5", "p5/2 p0: p05:"}},
    {"ficom ficomp", "", {"p1/3 p1/3", "p1/3 p1/3", "p5/3 p5/3"}},
    {"fcmovb fcmovbe fcmove fcmovnb fcmovnbe fcmovne fcmovnu fcmovu", "", {"p0 p5 p5", "p0 p5 p5", "p0 p5 p5 p5"}},
    {"fxam", "", {"p1 p1", "p1 p1", "p5/3 p5/3"}},
    {"fnstsw", "M", {"p0:>1", "p0:>1"}},
    {"fnstsw", "", {"p0/2 p015/4", "p0/2 p0156/3"}},
    {"fnstcw", "", {"p0:x>1 p5: p015:", "p0:x>1 p0156:", "p0:x>1 p0156:"}},
    {"fldcw", "", {"p01/6:*>x p5:", "p01/6:*>x p6:", "p01/6:*>x p6:"}},
    {"fnclex", "", {"ms 5*p0156", "ms 5*p0156"}},
    {"fninit", "", {"ms 26*p015 p5/50:x>x", "ms 26*p0156 p5/60:x>x"}},
    {"fprem", "", {"ms 26*p015 p0/20", "ms 26*p0156 p0/20"}},
    {"fprem1", "", {"ms 38*p015 p0/25", "ms 38*p0156 p0/25"}},
    {"frndint", "", {"ms 16*p015 p0/15", "ms 16*p0156 p0/15"}},
    {"fscale", "", {"ms 20*p015 p0/80", "ms 26*p0156 p0/100"}},
    {"fxtract", "", {"ms 12*p015 p0/15", "ms 16*p0156 p0/15"}},
    {"fsin fcos fsincos", "", {"ms 60*p015 p0/60", "ms 80*p0156 p0/70"}},
    {"fptan fpatan", "", {"ms 90*p015 p0/100", "ms 100*p0156 p0/110"}},
    {"f2xm1", "", {"ms 60*p015 p0/60", "ms 60*p0156 p0/60"}},
    {"fyl2x fyl2xp1", "", {"ms 90*p015 p0/80", "ms 90*p0156 p0/80"}},
    {"fbld", "", {"ms 40*p015 p0/45", "ms 40*p0156 p0/45"}},
    {"fbstp", "", {"ms 220*p015 p0/240", "ms 220*p0156 p0/240"}},
    {"fldenv frstor", "", {"ms 40*p015 p0/70:*>x", "ms 60*p0156 p0/80:*>x"}},
    {"fnstenv fnsave", "", {"ms 60*p015 p0/80:x>x", "ms 60*p0156 p0/80:x>x"}},
};

const cpu_intel_table cpu_intel_x87 = {rows, G_N_ELEMENTS(rows)};
