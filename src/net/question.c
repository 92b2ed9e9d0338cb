/* Question: to the system where it answers names itself, else to c-ares.
 *
 * A system is anybody's code. What it was asked is kept for a while after that is over, so that one
 * that answers twice, or what was withdrawn, finds somebody who does not listen any more.
 */
#include "net/question.h"

#include <errno.h>
#include <netinet/in.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"

/* Those of one loop. */
typedef struct keeper {
    wherry__source source; /* first; without a descriptor */
    wherry_loop *loop;
    wherry__link over; /* the oldest first */
    size_t count;
} keeper;

static void give_back(wherry__question *question)
{
    wherry__memory_give(wherry__loop_memory(question->loop), question, sizeof(*question));
}

/* --- those that are over */

static void forget_oldest(keeper *kept)
{
    give_back(WHERRY__OWNER(wherry__list_take(&kept->over), wherry__question, link));
    kept->count--;
}

static void on_leave(wherry__source *source)
{
    keeper *kept = WHERRY__OWNER(source, keeper, source);

    kept->loop->resolver = NULL;
    while (kept->count > 0)
        forget_oldest(kept);
    wherry__source_dismiss(kept->loop, source);
}

static void on_reclaim(wherry__source *source)
{
    keeper *kept = WHERRY__OWNER(source, keeper, source);

    wherry__memory_give(wherry__loop_memory(kept->loop), kept, sizeof(*kept));
}

static const wherry__source_class class = { .leave = on_leave, .reclaim = on_reclaim };

/* It stands in the place of the c-ares that such a loop does not have. */
static int need_keeper(wherry_loop *loop)
{
    keeper *made;

    if (loop->resolver != NULL)
        return WHERRY_OK;
    made = wherry__memory_take(wherry__loop_memory(loop), sizeof(*made));
    if (made == NULL)
        return WHERRY_E_NO_MEMORY;
    made->loop = loop;
    wherry__link_init(&made->over);
    wherry__source_init(loop, &made->source, &class, -1);
    loop->resolver = &made->source;
    return WHERRY_OK;
}

/* A loop that is being freed has nobody left who could answer. */
static void keep(wherry__question *question)
{
    keeper *kept = (keeper *)(void *)question->loop->resolver;

    question->asker = NULL;
    if (kept == NULL) {
        give_back(question);
        return;
    }
    wherry__list_append(&kept->over, &question->link);
    if (++kept->count > WHERRY_RESOLUTIONS_KEPT)
        forget_oldest(kept);
}

/* --- asking */

static socklen_t size_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

/* What a system answers instead of addresses: see wherry_resolution. */
static int code_of(int number, const char **why)
{
    *why = NULL;
    if (number == -ENOENT)
        return WHERRY_E_NO_NAME;
    if (number == -EAGAIN)
        return WHERRY_E_NO_ANSWER;
    if (number != -ETIMEDOUT)
        return wherry__error_from_errno(number);
    *why = "the name servers do not answer";
    return WHERRY_E_NO_ANSWER;
}

static void on_done(wherry_resolution *self, int result, const struct sockaddr_storage *addresses)
{
    wherry__question *question = WHERRY__OWNER(self, wherry__question, resolution);
    wherry__asker *asker = question->asker;
    const char *why = NULL;

    WHERRY__PROBE_IF(asker == NULL, "question.answered-again");
    if (asker == NULL)
        return;
    asker->question = NULL;
    for (int i = 0; i < result; i++)
        asker->found(asker, (const struct sockaddr *)&addresses[i], size_of(&addresses[i]));
    if (result < 0)
        result = code_of(result, &why);
    keep(question);
    asker->answered(asker, result < 0 ? result : WHERRY_OK, why);
}

static int ask_system(wherry__question *question, const char *name, int family)
{
    wherry_loop *loop = question->loop;
    int result = need_keeper(loop);

    if (result < 0)
        return result;
    question->resolution.done = on_done;
    result = loop->system->resolve(loop->system, loop->poller, name, family, &question->resolution);
    return result < 0 ? wherry__fail_system(result, "asking for a name") : WHERRY_OK;
}

static int ask_ares(wherry__question *question, const char *name, int family)
{
    int result;

    question->resolver = wherry__resolver_of(question->loop, &result);
    if (question->resolver == NULL)
        return result;
    return wherry__resolver_ask(question->resolver, question, name, family);
}

int wherry__question_ask(wherry_loop *loop, wherry__asker *asker, const char *name,
                         wherry_family family)
{
    int domain = family == WHERRY_FAMILY_IPV6 ? AF_INET6 : AF_INET;
    wherry__question *question = wherry__memory_take(wherry__loop_memory(loop), sizeof(*question));
    int result;

    if (question == NULL)
        return WHERRY_E_NO_MEMORY;
    question->loop = loop;
    question->asker = asker;
    asker->question = question;
    result = loop->system->resolve != NULL ? ask_system(question, name, domain)
                                           : ask_ares(question, name, domain);
    if (result < 0 && asker->question != NULL) { /* or it was answered all the same */
        asker->question = NULL;
        give_back(question);
    }
    return result;
}

void wherry__question_drop(wherry__asker *asker)
{
    wherry__question *question = asker->question;

    if (question == NULL)
        return;
    WHERRY__PROBE("question.dropped");
    asker->question = NULL;
    if (question->resolver != NULL) {
        wherry__resolver_drop(question);
        return;
    }
    if (question->loop->poller != NULL)
        question->loop->system->resolve_cancel(question->loop->system, &question->resolution);
    keep(question);
}
