// Of what GCC's -fsanitize-coverage calls, neither its sanitizers nor libFuzzer know these.

extern "C" void __sanitizer_cov_trace_cmpf(float, float) {}
extern "C" void __sanitizer_cov_trace_cmpd(double, double) {}
