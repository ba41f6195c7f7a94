/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vector moves and integer instructions of MMX and SSE to AVX2 on Ivy Bridge, Haswell and Skylake. The language of the rows is in cpu-uarch-intel.h.
 *
 * Sources: uops.info (Abel and Reineke, ASPLOS 2019) for ports and latencies; Agner Fog, "Instruction tables" (4), for what it lacks. */
#include "cpu-uarch-intel.h"

static const cpu_intel_row rows[] = {
    /* Moves. */
    {"*movaps *movapd *movups *movupd *movdqa *movdqu *lddqu *movntdqa *movntps *movntpd *movntdq movntq", "m", {"-"}},
    {"*movaps *movapd *movups *movupd", "", {"move5", "move5", "move015"}},
    {"*movdqa *movdqu", "", {"move015"}},
    {"*movss *movsd", "m", {"-"}},
    {"*movss *movsd", "v", {"p5", "p5", "p015"}},
    {"*movd *movq", "m", {"-"}},
    {"movq", "n!G!g", {"p015", "p15", "p05"}},
    {"*movd *movq", "vG", {"p5", "p5", "p5/2"}},
    {"movd movq", "nG", {"p5", "p5", "p5/2"}},
    {"*movd *movq", "g", {"p0/2", "p0", "p0/2"}},
    {"*movq", "", {"p015"}},
    {"movq2dq", "", {"p015", NULL, "p0 p15"}},
    {"movdq2q", "", {"p015 p5", "p015 p5"}},
    {"*movlps *movlpd *movhps *movhpd", "M", {"-"}},
    {"*movlps *movlpd *movhps *movhpd", "", {"p5"}},
    {"vpmaskmovd vpmaskmovq", "M", {"p0 p1", "p0 p15", "p0"}},
    {"vpmaskmovd vpmaskmovq", "", {"p5 p5", "p5 p5", "p015"}},
    {"*maskmovdqu maskmovq", "", {"ms 2*p0 2*p5 3*p015 p23", "ms 2*p0 2*p5 3*p0156 p23"}},
    {"vzeroupper", "", {"4*idle"}},
    {"vzeroall", "", {"ms 2*p015 8*idle", "ms 12*p015 4*idle", "ms 12*p015 4*idle"}},
    {"emms", "", {"ms 10*p05 18*p015", "ms 10*p05 20*p0156", "10*p05"}},

    /* Logic and addition. */
    {"*pxor", "=!n", {"idle:>*"}},
    {"*psubb *psubw *psubd *psubq *pcmpgtb *pcmpgtw *pcmpgtd", "=!n", {"idle:>*"}},
    {"*pcmpeqb *pcmpeqw *pcmpeqd", "=!n", {"p15:>*", "p15:>*", "p01:>*"}},
    {"*pcmpeqq", "=", {"p15:>*", "p15:>*", "p01:>*"}},
    {"*pand *pandn *por *pxor", "n", {"p015", "p015", "p05"}},
    {"*pand *pandn *por *pxor", "", {"p015"}},
    {"*paddb *paddw *paddd *paddq *psubb *psubw *psubd *psubq", "n", {"p15", "p15", "p05"}},
    {"*paddb *paddw *paddd *paddq *psubb *psubw *psubd *psubq", "", {"p15", "p15", "p015"}},
    {"*paddsb *paddsw *paddusb *paddusw *psubsb *psubsw *psubusb *psubusw *pavgb *pavgw *pabsb *pabsw *pabsd *psignb *psignw *psignd", "n",
     {"p15", "p15", "p0"}},
    {"*paddsb *paddsw *paddusb *paddusw *psubsb *psubsw *psubusb *psubusw *pavgb *pavgw *pabsb *pabsw *pabsd *psignb *psignw *psignd", "",
     {"p15", "p15", "p01"}},
    {"*pminub *pminsw *pmaxub *pmaxsw *pminsb *pminsd *pminuw *pminud *pmaxsb *pmaxsd *pmaxuw *pmaxud *pcmpeqb *pcmpeqw *pcmpeqd *pcmpeqq "
     "*pcmpgtb *pcmpgtw *pcmpgtd", "n", {"p15", "p15", "p0"}},
    {"*pminub *pminsw *pmaxub *pmaxsw *pminsb *pminsd *pminuw *pminud *pmaxsb *pmaxsd *pmaxuw *pmaxud *pcmpeqb *pcmpeqw *pcmpeqd *pcmpeqq "
     "*pcmpgtb *pcmpgtw *pcmpgtd", "", {"p15", "p15", "p01"}},
    {"*pcmpgtq", "", {"p0/5", "p0/5", "p5/3"}},
    {"*phaddw *phaddd *phsubw *phsubd", "n", {"p15:*>t p15:*>u p15:tu>1", "p5:*>t p5:*>u p15:tu>1", "p5:*>t p5:*>u p05:tu>1"}},
    {"*phaddw *phaddd *phsubw *phsubd", "", {"p15:*>t p15:*>u p15:tu>1", "p5:*>t p5:*>u p15:tu>1", "p5:*>t p5:*>u p015:tu>1"}},
    {"*phaddsw *phsubsw", "", {"p15:*>t p15:*>u p15:tu>1", "p5:*>t p5:*>u p15:tu>1", "p5:*>t p5:*>u p01:tu>1"}},
    {"*ptest", "", {"p0 p5", "p0 p5/2", "p0 p5/2"}},

    /* Multiplication. */
    {"*pmulld", "", {"p0/5", "p0/5 p0/5", "p01/5 p01/5"}},
    {"*pmullw *pmulhw *pmulhuw *pmulhrsw *pmuludq *pmuldq *pmaddwd *pmaddubsw", "n", {"p0/5", "p0/5", "p0/5"}},
    {"*pmullw *pmulhw *pmulhuw *pmulhrsw *pmuludq *pmuldq *pmaddwd *pmaddubsw", "", {"p0/5", "p0/5", "p01/5"}},
    {"*psadbw", "", {"p0/5", "p0/5", "p5/3"}},
    {"*mpsadbw", "", {"p0/5 p15 p15", "p0/4 p5 p5", "p5/2 p5/2"}},
    {"*phminposuw", "", {"p0/5", "p0/5", "p01/4"}},
    {"*aesenc *aesdec *aesenclast *aesdeclast", "", {"p5/2 p015/2", "p5/7", "p0/4"}},
    {"*aesimc", "", {"p5/7 p5/7", "p5/7 p5/7", "p0/4 p0/4"}},
    {"*aeskeygenassist", "", {"ms p0/8 1*p0 1*p015 1*p15 7*p5", "ms p0/8 1*p0 2*p015 7*p5", "ms p0/12 2*p0 3*p015 7*p5"}},
    {"*pclmulqdq", "", {"ms p0/14 1*p0 4*p015 3*p05 4*p1 2*p15 3*p5", "p0/5 p0 p5", "p5/7"}},

    /* Shifts. */
    {"*pslldq *psrldq", "", {"p15", "p5"}},
    {"*psllw *pslld *psllq *psrlw *psrld *psrlq *psraw *psrad", "n", {"p0"}},
    {"*psllw *pslld *psllq *psrlw *psrld *psrlq *psraw *psrad", "i", {"p0", "p0", "p01"}},
    {"*psllw *pslld *psllq *psrlw *psrld *psrlq *psraw *psrad", "m!X", {"p15:2>t p0:1t>1", "p0", "p01"}},
    {"*psllw *pslld *psllq *psrlw *psrld *psrlq *psraw *psrad", "m", {"p15:3>t p0:2t>1", "p0", "p01"}},
    {"*psllw *pslld *psllq *psrlw *psrld *psrlq *psraw *psrad", "!X", {"p15:2>t p0:1t>1", "p5:2>t p0:1t>1", "p5:2>t p01:1t>1"}},
    {"*psllw *pslld *psllq *psrlw *psrld *psrlq *psraw *psrad", "y", {"p15:3>t p0:2t>1", "p5/3:3>t p0:2t>1", "p5/3:3>t p01:2t>1"}},
    {"*psllw *pslld *psllq *psrlw *psrld *psrlq *psraw *psrad", "", {"p15:3>t p0:2t>1", "p5:3>t p0:2t>1", "p5:3>t p01:2t>1"}},
    {"vpsllvd vpsrlvd vpsravd", "", {"p5 p0 p0", NULL, "p01"}},
    {"vpsllvq vpsrlvq", "", {"p0", "p0", "p01"}},

    /* Shuffles. */
    {"*packsswb *packssdw *packuswb", "n", {"p0", "p5 p5 p5", "p5 p5 p5"}},
    {"*packsswb *packssdw *packuswb *packusdw *punpcklbw *punpcklwd *punpckldq *punpcklqdq *punpckhbw *punpckhwd *punpckhdq *punpckhqdq *pshufd *pshuflw "
     "*pshufhw *pshufb *palignr pshufw *pblendw", "", {"p15", "p5"}},
    {"vpblendd", "", {"p015"}},
    {"pblendvb", "", {"p15 p15", "p5 p5", "p015"}},
    {"vpblendvb", "", {"p15 p15", "p5 p5", "p015 p015"}},
    {"*pmovsxbw *pmovsxbd *pmovsxbq *pmovsxwd *pmovsxwq *pmovsxdq *pmovzxbw *pmovzxbd *pmovzxbq *pmovzxwd *pmovzxwq *pmovzxdq", "y", {"p5/3"}},
    {"*pmovsxbw *pmovsxbd *pmovsxbq *pmovsxwd *pmovsxwq *pmovsxdq *pmovzxbw *pmovzxbd *pmovzxbq *pmovzxwd *pmovzxwq *pmovzxdq", "", {"p15", "p5"}},
    {"vpbroadcastd vpbroadcastq", "m", {"-"}},
    {"vbroadcasti128", "", {"-"}},
    {"vpbroadcastb vpbroadcastw", "m", {"p5"}},
    {"vpbroadcastb vpbroadcastw", "", {"p5/3"}},
    {"vpbroadcastd vpbroadcastq", "!y", {"p5"}},
    {"vpbroadcastd vpbroadcastq", "", {"p5/3"}},
    {"vinserti128", "m", {"p015"}},
    {"vinserti128 vperm2i128 vpermd vpermq", "", {"p5/3"}},
    {"vextracti128", "M", {"-"}},
    {"vextracti128", "", {"p5/3"}},
    {"*pinsrb *pinsrw *pinsrd *pinsrq", "m", {"p15", "p5"}},
    {"pinsrb pinsrw pinsrd pinsrq", "", {"p5:2>t p15:1t>1", "p5:2>t p5:1t>1"}},
    {"vpinsrb vpinsrw vpinsrd vpinsrq", "", {"p5:3>t p15:2t>1", "p5:3>t p5:2t>1"}},
    {"*pextrb *pextrw", "M", {"p15", "p5"}},
    {"*pextrd *pextrq", "M", {"p0 p15", "p5 p0", "p5"}},
    {"*pextrb *pextrw *pextrd *pextrq", "", {"p15 p0", "p5 p0", "p5 p0/2"}},
    {"*pmovmskb", "", {"p0/2", "p0/3", "p0/2"}},
    {"*pcmpistri", "", {"p0/11:*>* 2*p0", "p0/11:*>* 2*p0", "p0/10:*>* 2*p0"}},
    {"*pcmpistrm", "", {"p0/10:*>* 2*p0", "p0/10:*>* 2*p0", "p0/9:*>* 2*p0"}},
    {"*pcmpestri", "", {"ms p0/11:*>* 2*p0 p05 p1 3*p5", "ms p0/18:*>* 2*p0 p015 2*p0156 2*p5", "ms p0/18:*>* 2*p0 p015 2*p0156 2*p5"}},
    {"*pcmpestrm", "", {"ms p0/10:*>* 2*p0 p05 p1 3*p5", "ms p0/19:*>* 2*p0 p015 2*p0156 3*p5", "ms p0/19:*>* 2*p0 p015 2*p0156 3*p5"}},

    /* Gathers: micro-ops besides one load. */
    {"vgatherdps vgatherqps vgatherdpd vgatherqpd vpgatherdd vpgatherqd vpgatherdq vpgatherqq", "y",
     {"ms 8*p015 7*p23 p5/10", "ms 20*p015 7*p23 p5/10", "p5 p0 p015 7*p23 p015/5"}},
    {"vgatherdps vgatherqps vgatherdpd vgatherqpd vpgatherdd vpgatherqd vpgatherdq vpgatherqq", "",
     {"ms 8*p015 3*p23 p5/10", "ms 12*p015 3*p23 p5/10", "p5 p0 p015 3*p23 p015/5"}},
};

const cpu_intel_table cpu_intel_vec = {rows, G_N_ELEMENTS(rows)};
