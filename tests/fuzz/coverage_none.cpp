// What GCC's -fsanitize-coverage calls in every block of code, in binaries that are no fuzz
// targets.

extern "C" void __sanitizer_cov_trace_pc() {}
