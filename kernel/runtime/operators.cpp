// operator new and delete, and what a call of a pure virtual function runs into. There are no exceptions: where memory
// is wanting, new stops the module; the nothrow forms return a null pointer.
#include "include/new"
#include "include/stdlib.h"

const std::nothrow_t std::nothrow{};

static void *allocated_or_stopped(size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        abort();
    return memory;
}

void *operator new(size_t size)
{
    return allocated_or_stopped(size);
}

void *operator new[](size_t size)
{
    return allocated_or_stopped(size);
}

void *operator new(size_t size, const std::nothrow_t &) noexcept
{
    return malloc(size);
}

void *operator new[](size_t size, const std::nothrow_t &) noexcept
{
    return malloc(size);
}

void operator delete(void *memory) noexcept
{
    free(memory);
}

void operator delete[](void *memory) noexcept
{
    free(memory);
}

void operator delete(void *memory, size_t) noexcept
{
    free(memory);
}

void operator delete[](void *memory, size_t) noexcept
{
    free(memory);
}

void operator delete(void *memory, const std::nothrow_t &) noexcept
{
    free(memory);
}

void operator delete[](void *memory, const std::nothrow_t &) noexcept
{
    free(memory);
}

extern "C" void __cxa_pure_virtual()
{
    abort();
}
