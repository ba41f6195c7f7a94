/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floating-point instructions of SSE to AVX2 and FMA on Ivy Bridge, Haswell and Skylake. The language of the rows is in cpu-uarch-intel.h.
 *
 * Sources: uops.info (Abel and Reineke, ASPLOS 2019) for ports and latencies; Agner Fog, "Instruction tables" (4), for divisions and square roots, which
 * take a range of times on Ivy Bridge and Haswell: a value within it stands here. */
#include "cpu-uarch-intel.h"

static const cpu_intel_row rows[] = {
    /* Addition, multiplication, comparison. */
    {"*addps *addpd *addss *addsd *subps *subpd *subss *subsd *addsubps *addsubpd", "", {"p1/3", NULL, "p01/4"}},
    {"*minps *minpd *minss *minsd *maxps *maxpd *maxss *maxsd *cmpps *cmppd *cmpss", "", {"p1/3", NULL, "p01/4"}},
    {"*cmpsd", "v", {"p1/3", NULL, "p01/4"}},
    {"*mulps *mulpd *mulss *mulsd", "", {"p0/5", "p01/5", "p01/4"}},
    {"vfmadd132ps vfmadd132pd vfmadd132ss vfmadd132sd vfmadd213ps vfmadd213pd vfmadd213ss vfmadd213sd vfmadd231ps vfmadd231pd vfmadd231ss "
     "vfmadd231sd vfmsub132ps vfmsub132pd vfmsub132ss vfmsub132sd vfmsub213ps vfmsub213pd vfmsub213ss vfmsub213sd vfmsub231ps vfmsub231pd "
     "vfmsub231ss vfmsub231sd vfnmadd132ps vfnmadd132pd vfnmadd132ss vfnmadd132sd vfnmadd213ps vfnmadd213pd vfnmadd213ss vfnmadd213sd vfnmadd231ps "
     "vfnmadd231pd vfnmadd231ss vfnmadd231sd vfnmsub132ps vfnmsub132pd vfnmsub132ss vfnmsub132sd vfnmsub213ps vfnmsub213pd vfnmsub213ss "
     "vfnmsub213sd vfnmsub231ps vfnmsub231pd vfnmsub231ss vfnmsub231sd vfmaddsub132ps vfmaddsub132pd vfmaddsub213ps vfmaddsub213pd vfmaddsub231ps "
     "vfmaddsub231pd vfmsubadd132ps vfmsubadd132pd vfmsubadd213ps vfmsubadd213pd vfmsubadd231ps vfmsubadd231pd",
     "", {"p01/5", NULL, "p01/4"}},
    {"*comiss *comisd *ucomiss *ucomisd", "", {"p0 p1", "p1/2", "p0/2"}},
    {"*haddps *haddpd *hsubps *hsubpd", "", {"p5:1>t p5:2>u p1/3:tu>1", "p5:*>t p5:*>u p1/3:tu>1", "p5:*>t p5:*>u p01/4:tu>1"}},
    {"*dpps", "", {"p0/5 p1/3 p5 p1/3", "p0/5 p5 p1/3 p0/5", "p01/4 p5 p01/4 p01/4"}},
    {"*dppd", "", {"p0/5 p5 p1/3", "p0/5 p5 p1/3", "p01/4 p5 p01/4"}},
    {"*roundps *roundpd *roundss *roundsd", "", {"p1/3", "p1/3 p1/3", "p01/4 p01/4"}},

    /* Division, square root, reciprocals. */
    {"*divss", "", {"p0/12!7", NULL, "p0/11!3"}},
    {"*divps", "y", {"p0/20!14 p0: p05:", "p0/20!14 p0: p15:", "p0/11!5"}},
    {"*divps", "", {"p0/12!7", NULL, "p0/11!3"}},
    {"*divsd", "", {"p0/20!14", "p0/18!13", "p0/13!4"}},
    {"*divpd", "y", {"p0/35!28 p0: p05:", "p0/32!26 p0: p15:", "p0/13!8"}},
    {"*divpd", "", {"p0/20!14", "p0/18!13", "p0/13!4"}},
    {"*sqrtss", "", {"p0/13!7", "p0/12!7", "p0/12!3"}},
    {"*sqrtps", "y", {"p0/20!14 p0: p05:", "p0/20!14 p0: p15:", "p0/12!6"}},
    {"*sqrtps", "", {"p0/13!7", "p0/12!7", "p0/12!3"}},
    {"*sqrtsd", "", {"p0/20!14", "p0/18!13", "p0/15!4"}},
    {"*sqrtpd", "y", {"p0/35!28 p0: p05:", "p0/32!26 p0: p15:", "p0/16!9"}},
    {"*sqrtpd", "", {"p0/20!14", "p0/18!13", "p0/15!4"}},
    {"*rcpps *rsqrtps", "y", {"p0/7 p0: p05:", "p0/7 p0: p15:", "p0/4"}},
    {"*rcpps *rcpss *rsqrtps *rsqrtss", "", {"p0/5", NULL, "p0/4"}},

    /* Logic, blends, shuffles. */
    {"*xorps *xorpd", "=", {"idle:>*"}},
    {"*andps *andpd *andnps *andnpd *orps *orpd *xorps *xorpd", "", {"p5", NULL, "p015"}},
    {"*blendps *blendpd", "", {"p05", "p015"}},
    {"blendvps blendvpd", "", {"p05 p05", "p5 p5", "p015"}},
    {"vblendvps vblendvpd", "", {"p05 p05", "p5 p5", "p015 p015"}},
    {"*shufps *shufpd *unpcklps *unpcklpd *unpckhps *unpckhpd *movhlps *movlhps *insertps vpermilps vpermilpd", "", {"p5"}},
    {"*movsldup *movshdup *movddup", "m", {"-"}},
    {"*movsldup *movshdup *movddup", "", {"p5"}},
    {"*extractps", "M", {"p5", "p5"}},
    {"*extractps", "", {"p5 p0", "p5 p0/2"}},
    {"*movmskps *movmskpd", "", {"p0/2", "p0/3", "p0/2"}},
    {"vtestps vtestpd", "", {"p0", "p0", "p0"}},
    {"vbroadcastss vbroadcastsd vbroadcastf128", "m", {"-"}},
    {"vbroadcastss", "!y", {"p5"}},
    {"vbroadcastss vbroadcastsd", "", {"p5/3"}},
    {"vinsertf128", "m", {"p05", "p015"}},
    {"vinsertf128 vperm2f128", "", {"p5/2", "p5/3"}},
    {"vextractf128", "M", {"p5", "-"}},
    {"vextractf128", "", {"p5/2", "p5/3"}},
    {"vpermps vpermpd", "", {"p5/3"}},
    {"vmaskmovps vmaskmovpd", "M", {"p0 p1", "p0 p15", "p0"}},
    {"vmaskmovps vmaskmovpd", "", {"p05 p05", "p5 p5", "p015"}},

    /* Conversions. */
    {"*cvtdq2ps *cvtps2dq *cvttps2dq", "", {"p1/3", NULL, "p01/4"}},
    {"*cvtps2pd", "y!m", {"p5 p0/3", "p5/3 p0/2", "p5/3 p01/4"}},
    {"*cvtps2pd", "m", {"p0", "p0", "p01/4"}},
    {"*cvtps2pd", "", {"p5 p0", "p5 p0", "p5 p01/4"}},
    {"*cvtpd2ps *cvtpd2dq *cvttpd2dq", "V y", {"p1/3 p5", "p1/3 p5/3", "p01/4 p5/3"}},
    {"*cvtpd2ps *cvtpd2dq *cvttpd2dq", "", {"p1/3 p5", "p1/3 p5", "p01/4 p5"}},
    {"*cvtdq2pd", "y!m", {"p5 p1/3", "p5/3 p1/3", "p5/3 p01/4"}},
    {"*cvtdq2pd", "m", {"p5 p1/3", "p5 p1/3", "p01/4 p5"}},
    {"*cvtdq2pd", "", {"p5 p1/3", "p5 p1/3", "p5 p01/4"}},
    {"*cvtss2sd", "m", {"p0", "p0", "p01/4"}},
    {"*cvtss2sd", "", {"p0", "p5 p0", "p5 p01/4"}},
    {"*cvtsd2ss", "m", {"p5 p1/3", "p1/3 p5", "p01/4 p5"}},
    {"*cvtsd2ss", "", {"p1/3 p5", "p1/3 p5", "p01/4 p5"}},
    {"cvtsi2ss cvtsi2sd", "m", {"p1/3", "p1/3", "p01/4"}},
    {"vcvtsi2ss vcvtsi2sd", "m", {"p1/3", "p1/3", "p01/4"}},
    {"cvtsi2ss", "Q", {"p5:2>t p1/3:1t>1 p5:", "p5:2>t p1/3:1t>1 p5:", "p5:2>t p01/4:1t>1 p5:"}},
    {"cvtsi2ss", "", {"p5:2>t p1/3:1t>1", "p5:2>t p1/3:1t>1", "p5:2>t p01/4:1t>1"}},
    {"cvtsi2sd", "", {"p5:2>t p1/3:1t>1", "p5:2>t p1/3:1t>1", "p5:2>t p01/4:1t>1"}},
    {"vcvtsi2ss", "Q", {"p5:3>t p1/3:2t>1 p5:", "p5:3>t p1/3:2t>1 p5:", "p5:3>t p01/4:2t>1 p5:"}},
    {"vcvtsi2ss", "", {"p5:3>t p1/3:2t>1", "p5:3>t p1/3:2t>1", "p5:3>t p01/4:2t>1"}},
    {"vcvtsi2sd", "", {"p5:3>t p1/3:2t>1", "p5:3>t p1/3:2t>1", "p5:3>t p01/4:2t>1"}},
    {"*cvtss2si *cvttss2si", "q", {"p1/3 p0/2", "p1/3 p0 p5", "p01/4 p0/2 p5:"}},
    {"*cvtss2si *cvttss2si *cvtsd2si *cvttsd2si", "", {"p1/3 p0/2", "p1/3 p0", "p01/4 p0/2"}},
    {"cvtpi2ps", "", {"p1/3:*>1", "p1/4:*>1", "p0/4:*>1 p5:"}},
    {"cvtpi2pd", "", {"p5 p1/3", "p5 p1/3", "p5 p0/4"}},
    {"cvtps2pi cvttps2pi", "", {"p1/3", "p1/3 p5", "p0/4 p5"}},
    {"cvtpd2pi cvttpd2pi", "", {"p1/3 p5", "p1/3 p5", "p01/4 p5"}},
    {"vcvtph2ps", "", {"p5 p0/5", "p5 p1/3", "p5 p01/4"}},
    {"vcvtps2ph", "", {"p1/3 p0/5 p5", "p1/3 p5", "p01/4 p5"}},
    {"*ldmxcsr", "", {"p0 p5 p01/3:*>x", "p0156 p06 p0/3:*>x", "p0156 p06 p0/3:*>x"}},
    {"*stmxcsr", "", {"p0 p5 p5:x>1", "p0156 p06:x>1 p0", "p0156 p06:x>1 p0"}},
};

const cpu_intel_table cpu_intel_sse = {rows, G_N_ELEMENTS(rows)};
