// In which order things are made and unmade. The answer has a digit for each that was made; when all have been unmade
// in the right order, the last one ends in a breakpoint. A wrong order is an invalid instruction.
#include <cstdint>
#include <cstdlib>

static uint32_t made;

static void unmake(uint32_t digit)
{
    if (made % 10 != digit)
        std::abort();
    made /= 10;
    if (made == 0)
        __asm__ volatile("int3");
}

struct Noted {
    explicit Noted(uint32_t digit) : digit_(digit)
    {
        made = made * 10 + digit_;
    }
    ~Noted()
    {
        unmake(digit_);
    }
    uint32_t digit_;
};

__attribute__((destructor)) static void at_the_very_end()
{
    unmake(1);
}

__attribute__((constructor(101))) static void at_the_very_beginning()
{
    made = 1;
}

static Noted second(2), third(3);

static void registered()
{
    unmake(5);
}

extern "C" uint32_t order_main(uint32_t)
{
    if (made == 123) {
        static Noted inside(4);
        made = made * 10 + 5;
        std::atexit(registered);
    }
    return made;
}
