/* Host name: letters, digits, hyphens and underscores in labels, and no number at the end, as which
 * it would be read as an address. Letters are compared by value, whatever the locale is. */
#include "simulation/host_name.h"

#include <string.h>

#include "base/digit.h"

#define LABEL_LONGEST 63

static int folded(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : (unsigned char)letter;
}

static const char *problem_of_byte(int byte)
{
    if (byte >= 0x80)
        return "names of hosts are ASCII; an international one is written as xn--";
    if (wherry__is_digit(byte) || (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_')
        return NULL;
    return "no byte of a name";
}

/* The label from begin on; *at becomes its end, or the place of what is wrong. */
static const char *problem_of_label(const char *name, size_t begin, size_t *at)
{
    const char *problem;

    for (*at = begin; name[*at] != '\0' && name[*at] != '.'; ++*at) {
        problem = problem_of_byte(folded(name[*at]));
        if (problem != NULL)
            return problem;
        if (*at - begin == LABEL_LONGEST)
            return "a label of more than 63 bytes";
    }
    if (*at == begin)
        return "an empty label";
    if (name[begin] == '-') {
        *at = begin;
        return "a label cannot begin with a hyphen";
    }
    if (name[*at - 1] != '-')
        return NULL;
    --*at;
    return "a label cannot end with a hyphen";
}

/* Whether a label is a decimal number, or a hexadecimal one. */
static bool is_number(const char *label)
{
    const bool is_hexadecimal = label[0] == '0' && folded(label[1]) == 'x' && label[2] != '\0';

    for (label += is_hexadecimal ? 2 : 0; *label != '\0'; label++)
        if (is_hexadecimal ? wherry__hex_digit((unsigned char)*label) < 0
                           : !wherry__is_digit((unsigned char)*label))
            return false;
    return true;
}

const char *wherry__sim_name_problem(const char *name, size_t longest, size_t *at)
{
    const char *problem;
    size_t begin = 0;

    for (;;) {
        problem = problem_of_label(name, begin, at);
        if (problem != NULL)
            return problem;
        if (name[*at] == '\0')
            break;
        begin = *at + 1;
    }
    if (*at > longest) {
        *at = longest;
        return "it is too long";
    }
    *at = begin;
    return is_number(name + begin) ? "what ends in a number is an address" : NULL;
}

bool wherry__sim_is_localhost(const char *name)
{
    static const char word[] = "localhost";
    const size_t length = strlen(name), size = sizeof(word) - 1;
    size_t begin = length - size;

    if (length < size || (begin > 0 && name[begin - 1] != '.'))
        return false;
    for (size_t i = 0; i < size; i++)
        if (folded(name[begin + i]) != word[i])
            return false;
    return true;
}

void wherry__sim_name_fold(char *copy, const char *name)
{
    while (*name != '\0')
        *copy++ = (char)folded(*name++);
    *copy = '\0';
}
