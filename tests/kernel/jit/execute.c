/*
 * Runs pattern programs through the kernel's verifier and compiler as a Linux process of 32 bits, without a C library. The
 * kernel's memory map is rebuilt at the kernel's own addresses, with more heap and a larger code pool.
 *
 * Standard input: programs, each its level, or JIT_LEVELS for promotion after few calls and jumps back; its size, its
 * bytes; a number of calls, for each call a number of words and these; all numbers are 32-bit words. Standard output: a
 * line of JSON for each program, and for each call.
 */
#include "bf_formats.h"
#include "interrupts/vectors.h"
#include "jit/count.h"
#include "jit/flow.h"
#include "jit/promote.h"
#include "jit/verify.h"
#include "lib/string.h"
#include "memory/heap.h"
#include "memory/paging.h"
#include "memory/pools.h"
#include "profile/probe.h"

#define EXIT 1
#define READ 3
#define WRITE 4
#define SETITIMER 104
#define MPROTECT 125
#define RT_SIGACTION 174
#define SIGALTSTACK 186

#define NO_ACCESS 0
#define READ_WRITE 3
#define READ_WRITE_EXECUTE 7
#define MMAP 90 /* with its arguments in memory */
#define MAP_PRIVATE_FIXED_ANONYMOUS 0x32
#define MAP_PRIVATE_FREE_ANONYMOUS 0x104022 /* nothing is replaced, and no memory reserved */
#define REST_STEP 0x40000u
#define SA_SIGINFO_ONSTACK_NODEFER 0x48000004u
#define SIGILL 4
#define SIGTRAP 5
#define SIGFPE 8
#define SIGSEGV 11
#define SIGALRM 14
#define SIGNAL_SET_BYTES 8 /* fourth argument of RT_SIGACTION, which no other call looks at */
#define TIME_LIMIT_MICROSECONDS 300000

/* Word offsets in the kernel's struct ucontext for i386. */
#define CONTEXT_ECX 15
#define CONTEXT_EAX 16
#define CONTEXT_EIP 19

/* Room for programs that are larger than those the kernel's own pools are for, behind this program and its input. */
#define HEAP_EXTENSION 0x10000000u
#define HEAP_EXTENSION_SIZE 0x400000u
#define CODE_POOL 0x11000000u
#define CODE_POOL_SIZE 0x100000u

#define BODY_MAX 0x80000
#define INPUT_MAX 0x4000000
static uint8_t input[INPUT_MAX];
static uint32_t input_size, input_at;
static char output[0x10000];
static uint32_t output_size;
static uint8_t signal_stack[0x10000];
uint32_t saved_esp; /* for run_code */
static volatile uint32_t stopped_at, stopped_by;
static struct jit_loaded loaded;

static int32_t call_linux(uint32_t number, uint32_t a, uint32_t b, uint32_t c)
{
    int32_t result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(SIGNAL_SET_BYTES) : "memory");
    return result;
}

static void end(uint32_t status)
{
    for (;;)
        call_linux(EXIT, status, 0, 0);
}

static void flush(void)
{
    uint32_t written = 0;
    while (written < output_size) {
        int32_t count = call_linux(WRITE, 1, (uint32_t)(output + written), output_size - written);
        if (count <= 0)
            end(2);
        written += (uint32_t)count;
    }
    output_size = 0;
}

static void print(const char *text)
{
    uint32_t length = strlen(text);
    if (output_size + length > sizeof output)
        flush();
    memcpy(output + output_size, text, length);
    output_size += length;
}

static void print_number(const char *before, uint32_t number)
{
    char digits[11];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    print(before);
    print(at);
}

static uint32_t next_word(void)
{
    uint32_t word = 0;
    if (input_size - input_at < sizeof word)
        end(3);
    memcpy(&word, input + input_at, sizeof word);
    input_at += sizeof word;
    return word;
}

static void map(uint32_t start, uint32_t size)
{
    struct {
        uint32_t address, size, protection, flags, file, offset;
    } arguments = {start, size, READ_WRITE_EXECUTE, MAP_PRIVATE_FIXED_ANONYMOUS, UINT32_MAX, 0};
    if (call_linux(MMAP, (uint32_t)&arguments, 0, 0) != (int32_t)start)
        end(4);
}

/* Code that forgets a check is to be found out: whatever else it reaches is there, but for the pages around the arena. */
static void map_the_rest(void)
{
    struct {
        uint32_t address, size, protection, flags, file, offset;
    } arguments = {0, REST_STEP, READ_WRITE, MAP_PRIVATE_FREE_ANONYMOUS, UINT32_MAX, 0};
    for (uint32_t start = BF_MEM_MODULE_ARENA_END; start >= BF_MEM_MODULE_ARENA_END; start += REST_STEP) {
        arguments.address = start;
        call_linux(MMAP, (uint32_t)&arguments, 0, 0);
    }
}

uint64_t probe_clock(void)
{
    return 0;
}

void paging_set_present(uint32_t page, bool is_present)
{
    if (call_linux(MPROTECT, page, BF_PAGE_SIZE, is_present ? READ_WRITE_EXECUTE : NO_ACCESS))
        end(7);
}

/* Calls code on the module stack; returns at once from stop(). */
__asm__(".text\n"
        ".global run_code, after_stop\n"
        "run_code:\n"
        "  pushl %ebp\n  pushl %ebx\n  pushl %esi\n  pushl %edi\n"
        "  movl %esp, saved_esp\n"
        "  movl %edx, %esp\n"
        "  call *%eax\n"
        "after_stop:\n"
        "  movl saved_esp, %esp\n"
        "  cld\n"
        "  popl %edi\n  popl %esi\n  popl %ebx\n  popl %ebp\n  ret\n");
void run_code(uint32_t code, uint32_t stack_top);
extern char after_stop[];

/* Whether it was VECTOR_PROMOTE, which Linux lets nobody raise. */
static bool promotes(uint32_t *context)
{
    static const uint8_t instruction[] = {0xcd, VECTOR_PROMOTE};
    const uint8_t *eip = (const uint8_t *)context[CONTEXT_EIP];
    struct jit_swap swap;
    if (context[CONTEXT_EIP] - CODE_POOL >= CODE_POOL_SIZE || memcmp(eip, instruction, sizeof instruction) != 0)
        return false;
    uint32_t address = jit_promote(&loaded, context[CONTEXT_EAX], context[CONTEXT_ECX], &swap);
    context[CONTEXT_EIP] = address ? address : context[CONTEXT_EIP] + sizeof instruction;
    return true;
}

__attribute__((regparm(0))) static void on_signal(int number, void *information, uint32_t *context)
{
    (void)information;
    if (number == SIGSEGV && promotes(context))
        return;
    stopped_by = (uint32_t)number;
    stopped_at = context[CONTEXT_EIP];
    context[CONTEXT_EIP] = (uint32_t)after_stop;
}

static void set_up(void)
{
    static const uint8_t signals[] = {SIGILL, SIGTRAP, SIGFPE, SIGSEGV, SIGALRM};
    map(BF_MEM_HEAP_START, BF_MEM_JIT_METADATA_END - BF_MEM_HEAP_START);
    map(HEAP_EXTENSION, HEAP_EXTENSION_SIZE);
    map(CODE_POOL, CODE_POOL_SIZE);
    map(BF_MEM_MODULE_STACK_START, BF_MEM_MODULE_STACK_SIZE);
    map(BF_MEM_MODULE_STACK_END, BF_MEM_MODULE_ARENA_START - BF_PAGE_SIZE - BF_MEM_MODULE_STACK_END);
    map(BF_MEM_MODULE_ARENA_START, BF_MEM_MODULE_ARENA_SIZE);
    map_the_rest();
    struct {
        void *start;
        uint32_t flags, size;
    } stack = {signal_stack, 0, sizeof signal_stack};
    call_linux(SIGALTSTACK, (uint32_t)&stack, 0, 0);
    for (uint32_t i = 0; i < sizeof signals; i++) {
        struct {
            uint32_t handler, flags, restorer, mask[2];
        } action = {(uint32_t)on_signal, SA_SIGINFO_ONSTACK_NODEFER, 0, {1u << (SIGALRM - 1), 0}};
        call_linux(RT_SIGACTION, signals[i], (uint32_t)&action, 0);
    }
    kernel_heap_init();
    heap_extend(&kernel_heap, (void *)HEAP_EXTENSION, HEAP_EXTENSION_SIZE);
    pools_init((struct pool_memory[POOLS]){
        [POOL_CODE] = {CODE_POOL, CODE_POOL_SIZE},
        [POOL_DATA] = {BF_MEM_JIT_DATA_START, BF_MEM_JIT_DATA_SIZE},
        [POOL_METADATA] = {BF_MEM_JIT_METADATA_START, BF_MEM_JIT_METADATA_SIZE},
    });
}

static void limit_time(uint32_t microseconds)
{
    uint32_t timer[4] = {0, 0, 0, microseconds};
    call_linux(SETITIMER, 0, (uint32_t)timer, 0);
}

static uint32_t arena_crc(void)
{
    uint32_t size = loaded.program.header->arena_size - BF_ARENA_START;
    return bf_crc32(BF_CRC32_START, (const void *)BF_MEM_MODULE_ARENA_START, size);
}

static void call(void)
{
    uint32_t arguments[2 * BF_MAX_PARAMETERS], count = next_word();
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = next_word();
    jit_prepare(&loaded, arguments, count);
    stopped_by = 0;
    limit_time(TIME_LIMIT_MICROSECONDS);
    run_code((uint32_t)loaded.entry.code, BF_MEM_MODULE_STACK_END - 16);
    limit_time(0);
    if (!stopped_by) {
        const struct jit_state *state = (const struct jit_state *)loaded.environment.state;
        print_number("{\"low\": ", state->result[0]);
        print_number(", \"high\": ", state->result[1]);
    } else {
        struct jit_place place = {0};
        bool found = jit_find(&loaded, stopped_at - (stopped_by == SIGTRAP), &place);
        print_number("{\"trap\": ", stopped_by == SIGALRM ? BF_TRAP_TIME : found ? place.trap : 0);
        print_number(", \"signal\": ", stopped_by);
        print_number(", \"function\": ", place.function);
        print_number(", \"block\": ", place.block);
        print_number(", \"operation\": ", place.operation);
    }
    print_number(", \"arena\": ", arena_crc());
    print("}\n");
}

/* Loads and stores in the code that was made of a program, and those of them that are proven good. */
static uint32_t access_count, proven_count;

static void count_accesses(const struct jit_program *program, const struct jit_body *body)
{
    for (uint32_t at = 0; at < body->word_count; at += jit_length(program, body->words[at])) {
        access_count += jit_access_size((uint8_t)body->words[at]) != 0;
        proven_count += body->facts && body->facts[at] & JIT_PROVEN;
    }
}

/* What passes make of a function satisfies the verifier, too. */
static void check_body(const struct jit_program *program, const struct jit_body *body, unsigned level, const char *pass,
                       const struct jit_unit *unit)
{
    static uint8_t code[BODY_MAX];
    static struct bf_program_function functions[BF_MAX_FUNCTIONS];
    struct bf_program_function *function = &functions[body->function];
    uint8_t *counts = &function->i32_count;
    uint32_t words = jit_padded(body->block_count), bytes = body->word_count * sizeof *body->words;
    struct jit_program copy = *program;
    struct jit_problem problem = {0};
    (void)level;
    if (unit) {
        count_accesses(program, body);
        return;
    }
    if (words + bytes > BODY_MAX)
        end(8);
    memcpy(functions, program->functions, program->header->function_count * sizeof *functions);
    copy.functions = functions;
    copy.code = code;
    memcpy(code + words, body->words, bytes);
    function->code = 0;
    function->block_count = (uint16_t)body->block_count;
    function->code_words = (uint16_t)body->word_count;
    for (unsigned type = BF_VALUE_TYPE_I32; type <= BF_VALUE_TYPE_F64; type++)
        counts[type - BF_VALUE_TYPE_I32] = (uint8_t)(body->registers.first[type + 1] - body->registers.first[type]);
    const char *flaw = jit_check_code(&copy, body->function, &problem);
    if (!flaw)
        return;
    print("after ");
    print(pass);
    print_number(", function ", body->function);
    print_number(", word ", problem.word);
    print(": ");
    print(flaw);
    flush();
    end(9);
}

static void run_program(void)
{
    struct jit_program program;
    struct jit_problem problem;
    uint32_t level = next_word(), size = next_word();
    const struct jit_policy policy = {
        .level = level % JIT_LEVELS,
        .promotes = level == JIT_LEVELS,
        .calls = {0, 2, 3, 5},
        .back_edges = {0, 2, 4, 7},
    };
    const uint8_t *image = input + input_at;
    if (size > input_size - input_at)
        end(5);
    input_at += size;
    const char *reason = 0;
    access_count = proven_count = 0;
    if (!jit_verify(image, size, &program, &problem))
        reason = problem.text;
    else
        reason = jit_load(&loaded, &program, &policy);
    print("{\"refused\": \"");
    print(reason ? reason : "");
    print_number("\", \"code_bytes\": ", reason ? 0 : jit_code_bytes(&loaded));
    print_number(", \"accesses\": ", access_count);
    print_number(", \"proven\": ", proven_count);
    print("}\n");
    for (uint32_t calls = next_word(); calls; calls--) {
        if (reason)
            input_at += next_word() * sizeof(uint32_t);
        else
            call();
    }
    if (!reason)
        jit_unload(&loaded);
}

__attribute__((used)) static void run_all(void)
{
    for (int32_t count; (count = call_linux(READ, 0, (uint32_t)(input + input_size), INPUT_MAX - input_size)) > 0;)
        input_size += (uint32_t)count;
    set_up();
    jit_observe = check_body;
    while (input_at < input_size)
        run_program();
    if (pool_statistics(POOL_CODE).used || pool_statistics(POOL_DATA).used || pool_statistics(POOL_METADATA).used)
        end(6);
    flush();
    end(0);
}

__asm__(".global _start\n_start:\n  call run_all\n");
