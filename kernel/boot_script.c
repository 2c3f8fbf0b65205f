/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line is walked twice by the same scanner, with other actions: in the first walk functions run and variables are only
 * checked for their form; in the second words are written and variables are looked up, so that a line may use what a
 * later line set. A function is a whole word and adds no argument.
 */
#include "kernel/boot_script.h"

#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/printf.h"
#include "kernel/string.h"
#include "kernel/task.h"

#define BOOT_SCRIPT_VARIABLES 128
#define BOOT_SCRIPT_NAME 64

struct boot_script_variable {
    char name[BOOT_SCRIPT_NAME];
    const char *string;             /* or */
    struct ipc_port *port;          /* a send right */
};

static struct boot_script_variable boot_script_variables[BOOT_SCRIPT_VARIABLES];
static unsigned int boot_script_nr_variables;

struct boot_script_walk {
    struct boot_script_line *line;
    const char *at;                 /* in the script */
    bool expanding;
};

static void boot_script_fail(const struct boot_script_walk *walk, const char *reason, const char *what)
    __attribute__((noreturn));
static void boot_script_fail(const struct boot_script_walk *walk, const char *reason, const char *what)
{
    boot_fail("%s: boot script, character %u: %s%s%s", walk->line->name,
              (unsigned int)(walk->at - walk->line->module->script) + 1, reason, *what == '\0' ? "" : ": ", what);
}

/* ---- variables ---- */

static struct boot_script_variable *boot_script_find(const char *name)
{
    unsigned int i;

    for (i = 0; i < boot_script_nr_variables; i++)
        if (strcmp(boot_script_variables[i].name, name) == 0)
            return &boot_script_variables[i];
    return NULL;
}

static struct boot_script_variable *boot_script_add(const char *name)
{
    struct boot_script_variable *variable = boot_script_find(name);

    if (variable != NULL) { /* the last value counts */
        ipc_port_release_send(variable->port);
    } else {
        if (boot_script_nr_variables == BOOT_SCRIPT_VARIABLES)
            boot_fail("too many boot script variables: %s", name);
        variable = &boot_script_variables[boot_script_nr_variables++];
        ksnprintf(variable->name, sizeof(variable->name), "%s", name);
    }
    variable->string = NULL;
    variable->port = IP_NULL;
    return variable;
}

void boot_script_set_string(const char *name, const char *value)
{
    boot_script_add(name)->string = value;
}

void boot_script_set_port(const char *name, struct ipc_port *port)
{
    boot_script_add(name)->port = port;
}

void boot_script_done(void)
{
    while (boot_script_nr_variables > 0)
        ipc_port_release_send(boot_script_variables[--boot_script_nr_variables].port);
}

/* ---- functions ---- */

static void boot_script_task_create(struct boot_script_walk *walk, const char *keep)
{
    struct boot_script_line *line = walk->line;

    if (line->task != NULL)
        boot_script_fail(walk, "a line has one task", "task-create");
    if (task_create_in(NULL, false, &line->task) != KERN_SUCCESS)
        boot_script_fail(walk, "no memory for a task", "");
    ksnprintf(line->task->name, sizeof(line->task->name), "%s", line->name);
    if (*keep != '\0') {
        task_ref(line->task);
        boot_script_set_port(keep, convert_task_to_port(line->task));
    }
}

static void boot_script_task_resume(struct boot_script_walk *walk, const char *keep, bool prompt)
{
    if (*keep != '\0')
        boot_script_fail(walk, "task-resume gives nothing that could be kept", keep);
    if (walk->line->task == NULL)
        boot_script_fail(walk, "task-resume before the line has a task", "");
    walk->line->resume = prompt ? BOOT_SCRIPT_PROMPT_RESUME : BOOT_SCRIPT_RESUME;
}

/* call: what stands between the parentheses. */
static void boot_script_call(struct boot_script_walk *walk, char *call)
{
    char *equals = strchr(call, '=');
    const char *keep = "", *function = call;

    if (equals != NULL) {
        *equals = '\0';
        keep = call;
        function = equals + 1;
        if (*keep == '\0')
            boot_script_fail(walk, "a result without a variable's name", function);
    }
    if (strcmp(function, "task-create") == 0)
        boot_script_task_create(walk, keep);
    else if (strcmp(function, "task-resume") == 0)
        boot_script_task_resume(walk, keep, false);
    else if (strcmp(function, "prompt-task-resume") == 0)
        boot_script_task_resume(walk, keep, true);
    else
        boot_script_fail(walk, "unknown function", function);
}

/* ---- words ---- */

static bool boot_script_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void boot_script_put(struct boot_script_walk *walk, const char *text, size_t length)
{
    struct boot_script_line *line = walk->line;

    if (length >= BOOT_SCRIPT_TEXT - line->used)
        boot_script_fail(walk, "the arguments are too long", "");
    memcpy(line->text + line->used, text, length);
    line->used += length;
}

static void boot_script_put_variable(struct boot_script_walk *walk, const char *name)
{
    struct boot_script_variable *variable = boot_script_find(name);
    mach_port_name_t port_name;
    char number[16];

    if (variable == NULL)
        boot_script_fail(walk, "unknown variable", name);
    if (variable->string != NULL) {
        boot_script_put(walk, variable->string, strlen(variable->string));
        return;
    }
    struct ipc_port *port = ipc_port_copy_send(variable->port);
    if (ipc_space_insert_send(walk->line->task->space, port, &port_name) != KERN_SUCCESS)
        boot_script_fail(walk, "no memory for a port right", name);
    ksnprintf(number, sizeof(number), "%u", port_name);
    boot_script_put(walk, number, strlen(number));
}

/* Copies what stands up to end, which closes what begins at walk->at with two characters, and goes behind it. */
static void boot_script_bracket(struct boot_script_walk *walk, char end, char *name)
{
    const char *from = walk->at + 2, *to = from;

    while (*to != '\0' && *to != end && !boot_script_space(*to))
        to++;
    if (*to != end)
        boot_script_fail(walk, end == '}' ? "a variable that does not end" : "a function that does not end", from);
    if (to == from)
        boot_script_fail(walk, end == '}' ? "a variable without a name" : "a function without a name", "");
    if ((size_t)(to - from) >= BOOT_SCRIPT_NAME)
        boot_script_fail(walk, "a name that is too long", "");
    memcpy(name, from, (size_t)(to - from));
    name[to - from] = '\0';
    walk->at = to + 1;
}

static void boot_script_function(struct boot_script_walk *walk)
{
    char call[BOOT_SCRIPT_NAME];
    struct boot_script_walk start = *walk;

    boot_script_bracket(walk, ')', call);
    if (*walk->at != '\0' && !boot_script_space(*walk->at))
        boot_script_fail(walk, "text behind a function", walk->at);
    if (!walk->expanding)
        boot_script_call(&start, call);
}

static void boot_script_word(struct boot_script_walk *walk)
{
    struct boot_script_line *line = walk->line;
    char name[BOOT_SCRIPT_NAME];

    if (walk->expanding) {
        if (line->nr_words + 1 >= BOOT_SCRIPT_WORDS)
            boot_script_fail(walk, "too many arguments", "");
        line->words[line->nr_words++] = line->text + line->used;
    }
    while (*walk->at != '\0' && !boot_script_space(*walk->at)) {
        if (walk->at[0] == '$' && walk->at[1] == '(')
            boot_script_fail(walk, "a function within a word", walk->at);
        if (walk->at[0] == '$' && walk->at[1] == '{') {
            struct boot_script_walk start = *walk;
            boot_script_bracket(walk, '}', name);
            if (walk->expanding)
                boot_script_put_variable(&start, name);
        } else {
            if (walk->expanding)
                boot_script_put(walk, walk->at, 1);
            walk->at++;
        }
    }
    if (walk->expanding)
        boot_script_put(walk, "", 1);
}

static void boot_script_walk_line(struct boot_script_walk *walk)
{
    walk->at = walk->line->module->script;
    for (;;) {
        while (boot_script_space(*walk->at))
            walk->at++;
        if (*walk->at == '\0')
            break;
        if (walk->at[0] == '$' && walk->at[1] == '(')
            boot_script_function(walk);
        else
            boot_script_word(walk);
    }
}

/* ---- lines ---- */

static void boot_script_set_name(struct boot_script_line *line)
{
    const char *from = line->module->script, *at, *end;

    while (boot_script_space(*from))
        from++;
    /* The last part of a path. */
    for (at = end = from; *end != '\0' && !boot_script_space(*end); end++)
        if (*end == '/')
            at = end + 1;
    size_t length = MIN((size_t)(end - at), sizeof(line->name) - 1);
    memcpy(line->name, at, length);
    line->name[length] = '\0';
}

void boot_script_parse(struct boot_script_line *line, const struct boot_module *module)
{
    struct boot_script_walk walk = {.line = line, .expanding = false};

    memset(line, 0, sizeof(*line));
    line->module = module;
    boot_script_set_name(line);
    walk.at = module->script;
    if (line->name[0] == '\0')
        boot_fail("module %u has no boot script", (unsigned int)(module - boot_info.modules));
    boot_script_walk_line(&walk);
    if (line->task == NULL)
        boot_script_fail(&walk, "no task-create: a program without a task", "");
}

void boot_script_expand(struct boot_script_line *line)
{
    struct boot_script_walk walk = {.line = line, .expanding = true};

    line->text = kmem_alloc(BOOT_SCRIPT_TEXT, ALLOC_SLEEP);
    if (line->text == NULL)
        boot_fail("%s: no memory for its arguments", line->name);
    boot_script_walk_line(&walk);
}

void boot_script_line_done(struct boot_script_line *line)
{
    if (line->text != NULL)
        kmem_free(line->text, BOOT_SCRIPT_TEXT);
    if (line->task != NULL)
        task_unref(line->task);
    line->text = NULL;
    line->task = NULL;
}
