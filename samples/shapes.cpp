// A C++ module: virtual functions, new and delete, a template, static objects whose constructors and destructors run in
// order. Freestanding, so it runs on BareFlow and, called from any main, on a host, with the same answer.
//
//     uint32_t shapes_main(uint32_t n);
//
// n is how many shapes are made, the return value a checksum of their areas and of the order of the constructors.
#include <stddef.h>
#include <stdint.h>

namespace {

// What the static objects below note. Initialised by constants: it is there before any constructor runs.
struct Journal {
    static constexpr size_t capacity = 8;

    void note(uint32_t entry)
    {
        if (count == capacity)
            __builtin_trap();
        entries[count++] = entry;
    }

    // Takes the last entry back. Anything but `entry` there is a wrong order: the module stops.
    void take_back(uint32_t entry)
    {
        if (count == 0 || entries[--count] != entry)
            __builtin_trap();
    }

    uint32_t entries[capacity];
    size_t count;
};

Journal journal;

// Notes when it is made, and takes that back at its end: destructors must run in the reverse order.
class Noted {
public:
    explicit Noted(uint32_t entry) : entry_(entry)
    {
        journal.note(entry_);
    }

    ~Noted()
    {
        journal.take_back(entry_);
    }

    Noted(const Noted &) = delete;
    Noted &operator=(const Noted &) = delete;

private:
    uint32_t entry_;
};

Noted first(0xA1);
Noted second(0xB2);

uint32_t mixed(uint32_t checksum, uint32_t value)
{
    return ((checksum << 5 | checksum >> 27) ^ value) * 0x9E3779B1u;
}

// The same values on every machine.
class Random {
public:
    explicit Random(uint32_t seed) : state_(seed) {}

    uint32_t below(uint32_t limit)
    {
        state_ = state_ * 1664525u + 1013904223u;
        return (state_ >> 8) % limit;
    }

private:
    uint32_t state_;
};

class Shape {
public:
    virtual ~Shape() = default;
    virtual uint64_t area() const = 0;
};

class Rectangle : public Shape {
public:
    Rectangle(uint32_t width, uint32_t height) : width_(width), height_(height) {}

    uint64_t area() const override
    {
        return static_cast<uint64_t>(width_) * height_;
    }

private:
    uint32_t width_, height_;
};

class Square final : public Rectangle {
public:
    explicit Square(uint32_t side) : Rectangle(side, side) {}
};

class Circle final : public Shape {
public:
    explicit Circle(uint32_t radius) : radius_(radius) {}

    uint64_t area() const override
    {
        return static_cast<uint64_t>(3.14159265358979 * radius_ * radius_);
    }

private:
    double radius_;
};

// Owns what its elements point to.
template <typename T> class Owners {
public:
    Owners() = default;
    Owners(const Owners &) = delete;
    Owners &operator=(const Owners &) = delete;

    ~Owners()
    {
        for (size_t i = 0; i < count_; i++)
            delete items_[i];
        delete[] items_;
    }

    void add(T *item)
    {
        if (count_ == capacity_)
            grow();
        items_[count_++] = item;
    }

    T *const *begin() const
    {
        return items_;
    }

    T *const *end() const
    {
        return items_ + count_;
    }

private:
    void grow()
    {
        size_t capacity = capacity_ ? 2 * capacity_ : 4;
        T **items = new T *[capacity];
        for (size_t i = 0; i < count_; i++)
            items[i] = items_[i];
        delete[] items_;
        items_ = items;
        capacity_ = capacity;
    }

    T **items_ = nullptr;
    size_t count_ = 0, capacity_ = 0;
};

Shape *new_shape(Random &random)
{
    switch (random.below(3)) {
    case 0:
        return new Rectangle(1 + random.below(1000), 1 + random.below(1000));
    case 1:
        return new Square(1 + random.below(1000));
    default:
        return new Circle(1 + random.below(1000));
    }
}

} // namespace

extern "C" uint32_t shapes_main(uint32_t n)
{
    Noted call(0xC3); // leaves the journal as it found it
    Random random(n);
    Owners<Shape> shapes;
    for (uint32_t i = 0; i < n; i++)
        shapes.add(new_shape(random));

    uint32_t checksum = 0;
    for (const Shape *shape : shapes) {
        uint64_t area = shape->area();
        checksum = mixed(mixed(checksum, static_cast<uint32_t>(area)), static_cast<uint32_t>(area >> 32));
    }
    for (size_t i = 0; i < journal.count; i++)
        checksum = mixed(checksum, journal.entries[i]);
    return checksum;
}
