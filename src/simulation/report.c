/* Report: who waits for what, for people: programs with the tasks of their loops, and sockets as
 * netstat(8) lists them. And what a world holds, in numbers. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "simulation/poller.h"
#include "simulation/program.h"

/* Where a report is written to, as far as it fits. */
typedef struct sheet {
    char *text;
    size_t size;
    size_t length; /* of the whole */
} sheet;

WHERRY_FORMAT(2, 3) static void print(sheet *page, const char *format, ...)
{
    const size_t used = wherry__size_min(page->length, page->size == 0 ? 0 : page->size - 1);
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(page->size == 0 ? NULL : page->text + used, page->size - used, format,
                       arguments);
    va_end(arguments);
    page->length += length > 0 ? (size_t)length : 0;
}

static void print_instant(sheet *page, int64_t instant)
{
    if (instant == WHERRY_NEVER)
        print(page, "never");
    else
        print(page, "%lld.%06lld s", (long long)(instant / WHERRY_SECONDS(1)),
              (long long)(instant % WHERRY_SECONDS(1) / 1000));
}

/* --- programs */

typedef struct task_printer {
    wherry_task_visitor visitor;
    sheet *page;
} task_printer;

static void print_task(wherry_task_visitor *visitor, wherry_task *task)
{
    sheet *page = ((task_printer *)visitor)->page;

    print(page, "    task \"%s\" ", wherry_task_name(task));
    if (task->reason == NULL) {
        print(page, "has its turn\n");
        return;
    }
    print(page, "waits for \"%s\" until ", task->reason);
    print_instant(page, wherry__deadline_armed(&task->timeout) ? task->timeout.when : WHERRY_NEVER);
    print(page, "\n");
}

static void print_loops(sheet *page, const wherry__sim_program *program)
{
    const wherry__link *list = &program->host->pollers;

    for (const wherry__link *link = list->next; link != list; link = link->next) {
        const wherry_poller *poller = WHERRY__OWNER(link, wherry_poller, link);
        task_printer printer = { .visitor.see = print_task, .page = page };

        if (poller->program != program)
            continue;
        print(page, "   a loop with %zu watched, ", poller->watch_count);
        if (poller->waiting) {
            print(page, "waits until ");
            print_instant(page, poller->until);
            print(page, "\n");
        } else {
            print(page, "runs\n");
        }
        if (poller->loop != NULL)
            wherry_loop_tasks(poller->loop, &printer.visitor);
    }
}

static void print_program(sheet *page, const wherry__sim_program *program)
{
    print(page, "  program \"%s\" ", program->name);
    if (!program->alive)
        print(page, "has ended: %s\n", wherry_error_name(program->result));
    else if (!program->begun)
        print(page, "has not begun\n");
    else
        print(page, "has %zu bytes in %zu blocks%s\n", program->arena.bytes, program->arena.count,
              program->must_end ? ", and must end" : "");
    if (program->begun)
        print_loops(page, program);
}

/* --- sockets */

static void print_name(sheet *page, const wherry__sim_name *name)
{
    char text[INET6_ADDRSTRLEN] = "?";

    if (name->size == 0) {
        print(page, " -");
    } else if (name->any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &name->v4.sin_addr, text, sizeof(text));
        print(page, " %s:%u", text, ntohs(name->v4.sin_port));
    } else if (name->any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &name->v6.sin6_addr, text, sizeof(text));
        print(page, " [%s]:%u", text, ntohs(name->v6.sin6_port));
    } else if (name->size > offsetof(struct sockaddr_un, sun_path)) {
        print(page, " %s%.*s", name->local.sun_path[0] == '\0' ? "@" : "",
              (int)(name->size - offsetof(struct sockaddr_un, sun_path)),
              name->local.sun_path + (name->local.sun_path[0] == '\0'));
    } else {
        print(page, " unnamed");
    }
}

static const char *const kinds[] = {
    [WHERRY__SIM_TCP] = "tcp",
    [WHERRY__SIM_UDP] = "udp",
    [WHERRY__SIM_UNIX_STREAM] = "unix",
    [WHERRY__SIM_UNIX_SEQPACKET] = "unix-seq",
    [WHERRY__SIM_UNIX_DATAGRAM] = "unix-dgm",
};

static void print_socket(sheet *page, const wherry__sim_socket *socket)
{
    size_t received, unsent;

    if (socket->type == SOCK_DGRAM)
        wherry__sim_datagram_queues(socket, &received, &unsent);
    else
        wherry__sim_stream_queues(socket, &received, &unsent);
    print(page, "  socket %d %s %s received %zu unsent %zu", socket->descriptor,
          kinds[socket->kind], socket->class->state(socket), received, unsent);
    print_name(page, &socket->local);
    print_name(page, &socket->remote);
    print(page, "\n");
}

/* --- hosts */

static void print_host(sheet *page, const wherry__sim_host *host)
{
    print(page, "host %s %s, its clock at ", host->name, host->on ? "on" : "off");
    print_instant(page, wherry__sim_monotonic(host));
    print(page, "\n");
    for (const wherry__link *link = host->programs.next; link != &host->programs; link = link->next)
        print_program(page, WHERRY__OWNER(link, wherry__sim_program, link));
    for (const wherry__link *link = host->sockets.next; link != &host->sockets; link = link->next)
        print_socket(page, WHERRY__OWNER(link, wherry__sim_socket, link));
}

size_t wherry_simulation_report(const wherry_simulation *world, char *text, size_t size)
{
    sheet page = { .text = text, .size = size };

    if (size > 0)
        text[0] = '\0';
    print(&page, "seed %llu, step %llu, ", (unsigned long long)world->seed,
          (unsigned long long)world->step);
    print_instant(&page, world->now);
    print(&page, "\n");
    for (const wherry__link *link = world->hosts.next; link != &world->hosts; link = link->next)
        print_host(&page, WHERRY__OWNER(link, wherry__sim_host, link));
    return page.length;
}

/* --- who is looked for */

static const wherry__sim_program *find_living(const wherry_simulation *world, bool must_end)
{
    for (const wherry__link *link = world->hosts.next; link != &world->hosts; link = link->next) {
        const wherry__link *programs = &WHERRY__OWNER(link, wherry__sim_host, link)->programs;

        for (const wherry__link *one = programs->next; one != programs; one = one->next) {
            const wherry__sim_program *program = WHERRY__OWNER(one, wherry__sim_program, link);

            if (program->alive && (program->must_end || !must_end))
                return program;
        }
    }
    return NULL;
}

const wherry__sim_program *wherry__sim_unended(const wherry_simulation *world)
{
    return world->awaited == 0 ? NULL : find_living(world, true);
}

const wherry__sim_program *wherry__sim_living(const wherry_simulation *world)
{
    return world->living == 0 ? NULL : find_living(world, false);
}

typedef struct reason_finder {
    wherry_task_visitor visitor;
    const char *reason;
} reason_finder;

static void find_reason(wherry_task_visitor *visitor, wherry_task *task)
{
    reason_finder *finder = (reason_finder *)visitor;

    if (finder->reason == NULL)
        finder->reason = task->reason;
}

const char *wherry__sim_waits_for(const wherry__sim_program *program)
{
    const wherry__link *list = &program->host->pollers;
    reason_finder finder = { .visitor.see = find_reason };

    if (!program->begun)
        return "its beginning";
    for (const wherry__link *link = list->next; link != list; link = link->next) {
        const wherry_poller *poller = WHERRY__OWNER(link, wherry_poller, link);

        if (poller->program == program && poller->loop != NULL)
            wherry_loop_tasks(poller->loop, &finder.visitor);
    }
    return finder.reason == NULL ? "its turn" : finder.reason;
}

/* --- numbers */

static void count_host(const wherry__sim_host *host, wherry_simulation_statistics *statistics)
{
    statistics->descriptors += host->descriptor_count;
    for (const wherry__link *link = host->sockets.next; link != &host->sockets; link = link->next)
        statistics->sockets++;
    for (const wherry__link *link = host->programs.next; link != &host->programs;
         link = link->next) {
        const wherry__sim_program *program = WHERRY__OWNER(link, wherry__sim_program, link);

        statistics->programs += program->alive;
        statistics->memory += program->arena.bytes;
    }
}

void wherry_simulation_statistics_read(const wherry_simulation *world,
                                       wherry_simulation_statistics *statistics)
{
    *statistics = world->statistics;
    for (const wherry__link *link = world->hosts.next; link != &world->hosts; link = link->next)
        count_host(WHERRY__OWNER(link, wherry__sim_host, link), statistics);
}
