/* Wine before version 9 has no bcryptprimitives.dll, and the standard library of Rust imports ProcessPrng from it. This
 * DLL of the same name hands the question on to advapi32, where SystemFunction036 is RtlGenRandom. */
#include <stddef.h>

__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned long bytes);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, size_t bytes) {
    const unsigned long most = 0x10000;
    while (bytes > 0) {
        unsigned long part = bytes < most ? (unsigned long)bytes : most;
        if (!SystemFunction036(buffer, part)) {
            return 0;
        }
        buffer += part;
        bytes -= part;
    }
    return 1;
}

int __stdcall DllMainCRTStartup(void *module, unsigned long reason, void *reserved) {
    (void)module;
    (void)reason;
    (void)reserved;
    return 1;
}
