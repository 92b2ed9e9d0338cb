// The same in C++17, to which all headers have to be acceptable.
#include <cstdio>
#include <cstring>

#include <wherry.h>

int main()
{
    std::printf("%s %s\n", wherry_version(), wherry_error_name(WHERRY_E_END));
    return std::strcmp(wherry_version(), WHERRY_VERSION) != 0;
}
