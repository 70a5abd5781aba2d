#include "jit/dump.h"

#include "report/json.h"

static const char *module_name;

static void begin(const char *pass)
{
    json_begin("dump");
    json_text("module", module_name);
    json_text("pass", pass);
}

void jit_dump_program(const char *module, const struct jit_program *program)
{
    module_name = module;
    begin("program");
    json_hex("program", (const uint8_t *)program->header, program->header->size);
    json_end();
}

static void put_registers(const struct jit_registers *registers)
{
    json_array("registers");
    for (unsigned type = BF_VALUE_TYPE_I32; type <= BF_VALUE_TYPE_F64; type++)
        json_number(0, (uint8_t)(registers->first[type + 1] - registers->first[type]));
    json_close();
}

void jit_dump(const struct jit_program *program, const struct jit_body *body, unsigned level, const char *pass,
              const struct jit_unit *unit)
{
    begin(pass);
    json_number("function", body->function);
    json_text("function_name", jit_function_name(program, body->function));
    json_number("level", level);
    if (unit) {
        json_hex("code", unit->code, unit->size < unit->capacity ? unit->size : unit->capacity);
    } else {
        put_registers(&body->registers);
        json_hex("depths", body->depths, body->block_count);
        json_hex("words", (const uint8_t *)body->words, body->word_count * sizeof *body->words);
        if (body->facts)
            json_hex("facts", body->facts, body->word_count);
    }
    json_end();
}
