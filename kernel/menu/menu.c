#include "menu/menu.h"

#include "console/keyboard.h"
#include "console/print.h"
#include "loader/loader.h"
#include "loader/registry.h"
#include "report/export.h"
#include "report/json.h"
#include "report/profile_report.h"

#define HELP "up/down, digit: choose   Enter, r: run   a: run all   p: profile   e: export\n" \
             "u: unload   l: list   c: clear the screen   q: quit\n"

struct menu {
    const struct config *config;
    unsigned chosen; /* index of an active module, or 0 when there are none */
};

static unsigned count_modules(void)
{
    unsigned count = 0;
    while (registry_active(count))
        count++;
    return count;
}

static void show_module(unsigned index, bool chosen)
{
    const struct module *module = registry_active(index);
    if (!module)
        return;
    vga_set_background(chosen ? VGA_DARK_BLUE : VGA_BLACK);
    console_print(chosen ? VGA_WHITE : VGA_GREY, "%c%3u %-14s %-8s %-9s %-18s", chosen ? '>' : ' ', index + 1,
                  module->name[0] ? module->name : module->path, module_kind_text(module->kind),
                  module_source_text(module->source), module_status_text(module->status));
    vga_set_background(VGA_BLACK);
    console_print(VGA_GREY, "\n");
}

static void show_list(const struct menu *menu)
{
    for (unsigned i = 0; registry_active(i); i++)
        show_module(i, i == menu->chosen);
    console_print(VGA_CYAN, HELP);
}

static void choose(struct menu *menu, unsigned index)
{
    if (index >= count_modules())
        return;
    menu->chosen = index;
    show_module(index, true);
}

static void run(struct menu *menu)
{
    struct module *module = registry_active(menu->chosen);
    if (!module)
        return;
    loader_run(module, menu->config);
}

static void run_all(struct menu *menu)
{
    struct module *module;
    for (unsigned i = 0; (module = registry_active(i)); i++)
        loader_run(module, menu->config);
}

static void show_profile(const struct menu *menu)
{
    const struct module *module = registry_active(menu->chosen);
    if (module)
        profile_print(module);
}

static void unload(struct menu *menu)
{
    struct module *module = registry_active(menu->chosen);
    if (module)
        loader_unload(module);
    unsigned count = count_modules();
    if (menu->chosen >= count)
        menu->chosen = count ? count - 1 : 0;
    show_list(menu);
}

/* For machines: a key is awaited. */
static int next_key(void)
{
    json_begin("wait_key");
    json_end();
    return wait_key();
}

/* False to quit. */
static bool act(struct menu *menu, int key)
{
    switch (key) {
    case KEY_DOWN:
    case 'j':
        choose(menu, menu->chosen + 1);
        break;
    case KEY_UP:
    case 'k':
        choose(menu, menu->chosen - 1); /* before the first: far behind the last */
        break;
    case KEY_ENTER:
    case 'r':
        run(menu);
        break;
    case 'a':
        run_all(menu);
        break;
    case 'p':
        show_profile(menu);
        break;
    case 'e':
        export_all();
        console_print(VGA_GREY, "exported\n");
        break;
    case 'u':
        unload(menu);
        break;
    case 'c':
        vga_clear();
        show_list(menu);
        break;
    case 'l':
        show_list(menu);
        break;
    case 'q':
    case KEY_ESCAPE:
        return false;
    default:
        if (key >= '1' && key <= '9')
            choose(menu, (unsigned)(key - '1'));
        else
            console_print(VGA_CYAN, HELP);
    }
    return true;
}

void menu_run(const struct config *config)
{
    struct menu menu = {.config = config};
    json_begin("menu");
    json_number("modules", count_modules());
    json_end();
    show_list(&menu);
    while (act(&menu, next_key())) {
    }
}
