#include "wl-synthetic.h"
bool wl_synthetic_check(const char *spec, GError **error) { (void)spec, (void)error; return true; }
insn_source *wl_synthetic_new(const char *name, const char *spec, uint64_t seed, insn_code *code, GError **error) { (void)name, (void)spec, (void)seed, (void)code, (void)error; return NULL; }
