/* The names of Unix sockets on a host: files, which outlive the sockets that made them, abstract
 * names, and the numbers that stand for them where only the family is given. A simulated host has
 * no directories: any path may be bound. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "simulation/ports.h"

#define UNNAMED_SIZE ((socklen_t)offsetof(struct sockaddr_un, sun_path))

/* As many as five hexadecimal digits name. */
#define AUTOBOUND_MAX 0xfffff

typedef struct file {
    wherry__link link;
    wherry__sim_socket *socket; /* NULL: it is closed */
    wherry__sim_name name;
} file;

static bool is_abstract(const wherry__sim_name *name)
{
    return name->local.sun_path[0] == '\0';
}

static file *find_file(const wherry__sim_ports *ports, const wherry__sim_name *name)
{
    for (wherry__link *link = ports->paths.next; link != &ports->paths; link = link->next) {
        file *each = WHERRY__OWNER(link, file, link);

        if (wherry__sim_names_equal(&each->name, name))
            return each;
    }
    return NULL;
}

static wherry__sim_socket *find_abstract(const wherry__sim_ports *ports,
                                         const wherry__sim_name *name)
{
    for (wherry__link *link = ports->abstract.next; link != &ports->abstract; link = link->next) {
        wherry__sim_socket *each = WHERRY__OWNER(link, wherry__sim_socket, bound);

        if (wherry__sim_names_equal(&each->local, name))
            return each;
    }
    return NULL;
}

static int bind_file(wherry__sim_socket *socket, const wherry__sim_name *name)
{
    wherry__sim_ports *ports = socket->host->ports;
    file *made;

    if (find_file(ports, name) != NULL)
        return -EADDRINUSE;
    if (socket->is_bound)
        return -EINVAL;
    made = wherry__memory_take(wherry__sim_memory(socket->host->world), sizeof(*made));
    if (made == NULL)
        return -ENOMEM;
    made->socket = socket;
    made->name = *name;
    wherry__list_append(&ports->paths, &made->link);
    return 0;
}

static int bind_abstract(wherry__sim_socket *socket, const wherry__sim_name *name)
{
    wherry__sim_ports *ports = socket->host->ports;

    if (socket->is_bound)
        return -EINVAL;
    if (find_abstract(ports, name) != NULL)
        return -EADDRINUSE;
    wherry__list_append(&ports->abstract, &socket->bound);
    return 0;
}

/* Only the family was given: the kernel makes up an abstract name. A socket that has one keeps it
 * without complaint. */
static int autobind(wherry__sim_socket *socket, wherry__sim_name *name)
{
    wherry__sim_ports *ports = socket->host->ports;
    int result = -EADDRINUSE;

    *name = (wherry__sim_name){ .size = UNNAMED_SIZE + 6 };
    name->any.sa_family = AF_UNIX;
    for (uint32_t tries = 0; tries <= AUTOBOUND_MAX && result == -EADDRINUSE; tries++) {
        ports->autobound = (ports->autobound + 1) & AUTOBOUND_MAX;
        (void)snprintf(name->local.sun_path + 1, 6, "%05x", (unsigned)ports->autobound);
        result = bind_abstract(socket, name);
    }
    return result == -EADDRINUSE ? -ENOSPC : result;
}

int wherry__sim_bind_local(wherry__sim_socket *socket, const struct sockaddr *given, socklen_t size)
{
    wherry__sim_name name;
    int result;

    if (size == UNNAMED_SIZE && given->sa_family == AF_UNIX) {
        if (socket->is_bound)
            return 0;
        result = autobind(socket, &name);
    } else {
        result = wherry__sim_name_take(socket, given, size, &name);
        if (result == 0 && name.any.sa_family != AF_UNIX)
            result = -EINVAL;
        if (result == 0)
            result = is_abstract(&name) ? bind_abstract(socket, &name) : bind_file(socket, &name);
    }
    if (result < 0)
        return result;
    socket->local = name;
    socket->is_bound = true;
    return 0;
}

/* Its file stays, and refuses who connects to it. */
void wherry__sim_unbind_local(wherry__sim_socket *socket)
{
    file *mine = find_file(socket->host->ports, &socket->local);

    if (mine != NULL && mine->socket == socket)
        mine->socket = NULL;
}

int wherry__sim_find_local(wherry__sim_host *host, wherry__sim_kind kind,
                           const wherry__sim_name *name, wherry__sim_socket **found)
{
    const file *there;

    if (is_abstract(name)) {
        *found = find_abstract(host->ports, name);
    } else {
        there = find_file(host->ports, name);
        if (there == NULL)
            return -ENOENT;
        *found = there->socket;
    }
    if (*found == NULL || (is_abstract(name) && (*found)->kind != kind))
        return -ECONNREFUSED;
    return (*found)->kind == kind ? 0 : -EPROTOTYPE;
}

static void free_file(wherry__sim_host *host, file *old)
{
    wherry__link_remove(&old->link);
    wherry__memory_give(wherry__sim_memory(host->world), old, sizeof(*old));
}

int wherry__sim_unlink(wherry__sim_host *host, const char *path)
{
    wherry__sim_name name = { .size = UNNAMED_SIZE };
    size_t length = strlen(path);
    file *old;

    if (length == 0 || length > sizeof(name.local.sun_path))
        return -ENOENT;
    name.any.sa_family = AF_UNIX;
    memcpy(name.bytes + UNNAMED_SIZE, path, length);
    name.size += (socklen_t)length + 1;
    old = find_file(host->ports, &name);
    if (old == NULL)
        return -ENOENT;
    free_file(host, old);
    return 0;
}

void wherry__sim_paths_free(wherry__sim_host *host)
{
    wherry__link *paths = &host->ports->paths;

    while (!wherry__list_empty(paths))
        free_file(host, WHERRY__OWNER(paths->next, file, link));
}
