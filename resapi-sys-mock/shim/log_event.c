/* LogEvent is variadic in C, and Rust can call but not define such a function. This one finds out how many
 * inserts the text asks for, takes so many pointer-sized arguments, and hands them on as an array. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum { INSERTS_MAX = 99 };

typedef void (*resapi_log_sink)(intptr_t handle, int32_t level, const uint16_t *format, const uintptr_t *inserts,
                                size_t count);

/* Written once, before the address of resapi_log_event is given to anybody. */
static resapi_log_sink sink;

void resapi_log_event_bind(resapi_log_sink function) { sink = function; }

/* Highest insert used: %n takes number n, and each '*' between its exclamation marks one more before it. */
static size_t inserts_wanted(const uint16_t *format) {
    size_t wanted = 0;
    while (*format != 0) {
        if (*format++ != '%') continue;
        if (*format < '1' || *format > '9') {
            if (*format != 0) ++format;
            continue;
        }
        size_t number = (size_t)(*format++ - '0');
        if (*format >= '0' && *format <= '9') number = number * 10 + (size_t)(*format++ - '0');
        if (*format == '!') {
            const uint16_t *end = format + 1;
            size_t stars = 0;
            while (*end != 0 && *end != '!') stars += *end++ == '*';
            if (*end == '!') {
                number += stars;
                format = end + 1;
            }
        }
        if (number > wanted) wanted = number;
    }
    return wanted < INSERTS_MAX ? wanted : INSERTS_MAX;
}

void resapi_log_event(intptr_t handle, int32_t level, const uint16_t *format, ...) {
    uintptr_t inserts[INSERTS_MAX] = {0};
    if (sink == NULL) return;
    size_t count = format == NULL ? 0 : inserts_wanted(format);
    va_list arguments;
    va_start(arguments, format);
    for (size_t i = 0; i < count; ++i) inserts[i] = va_arg(arguments, uintptr_t);
    va_end(arguments);
    sink(handle, level, format, inserts, count);
}
