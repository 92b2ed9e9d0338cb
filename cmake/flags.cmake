# How our own code is compiled: warnings, sanitizers, hardening. Nothing here reaches who links it.
include(CheckCCompilerFlag)
include(CheckIncludeFile)
include(CheckLinkerFlag)

# Puts those of the flags that the compiler takes into the list named result.
function(wherry_supported result)
    set(supported)
    foreach(flag ${ARGN})
        string(MAKE_C_IDENTIFIER "WHERRY_HAVE${flag}" have)
        # -Werror, since clang only warns about flags it does not know or use.
        set(CMAKE_REQUIRED_FLAGS -Werror)
        check_c_compiler_flag(${flag} ${have})
        if(${have})
            list(APPEND supported ${flag})
        endif()
    endforeach()
    set(${result} ${supported} PARENT_SCOPE)
endfunction()

set(WHERRY_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wpedantic)
if(WHERRY_WERROR)
    list(APPEND WHERRY_WARNINGS -Werror)
endif()

# Thread-local variables are reached without a call, also from the shared library.
wherry_supported(WHERRY_TLS_MODEL -ftls-model=initial-exec)

# Two words that were just stored one by one are not to be loaded as one vector: the processor
# cannot forward them then, and wherry_bytes are two words.
wherry_supported(WHERRY_WORDS -fno-tree-slp-vectorize)

# Calls inside of the library stay inside, and may be inlined, though the functions are exported.
wherry_supported(WHERRY_INTERPOSITION -fno-semantic-interposition)

set(WHERRY_HARDENING)
set(WHERRY_LINK_FLAGS)
if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$" AND NOT WHERRY_SANITIZE)
    wherry_supported(WHERRY_HARDENING -fstack-protector-strong -fstack-clash-protection)
    # First undefined: distributions predefine it, and a second definition is a warning. A C
    # library that does not know level 3 takes it as 2.
    list(APPEND WHERRY_HARDENING -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    foreach(flag -Wl,-z,relro -Wl,-z,now)
        string(MAKE_C_IDENTIFIER "WHERRY_HAVE${flag}" have)
        check_linker_flag(C ${flag} ${have})
        if(${have})
            list(APPEND WHERRY_LINK_FLAGS ${flag})
        endif()
    endforeach()
endif()

if(WHERRY_SANITIZE)
    # For everything in this build, since programs and library have to agree.
    add_compile_options(-fsanitize=${WHERRY_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${WHERRY_SANITIZE})
endif()

# With Valgrind's header, coroutine stacks are announced to it.
check_include_file(valgrind/valgrind.h WHERRY_HAVE_VALGRIND)

# Flags for every program and library of ours.
function(wherry_flags target)
    target_compile_features(${target} PRIVATE c_std_11)
    target_compile_options(${target} PRIVATE
        $<$<COMPILE_LANGUAGE:C>:${WHERRY_WARNINGS}> $<$<COMPILE_LANGUAGE:C>:${WHERRY_HARDENING}>)
endfunction()

# The same, for what is written to strict C11 plus what the system offers: all but the examples,
# which are compiled as their readers would.
function(wherry_own_code target)
    wherry_flags(${target})
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    if(WHERRY_HAVE_VALGRIND)
        target_compile_definitions(${target} PRIVATE WHERRY_HAVE_VALGRIND)
    endif()
    if(WHERRY_PROBES)
        target_compile_definitions(${target} PRIVATE WHERRY_PROBES)
    endif()
    if(WHERRY_CARES)
        target_compile_definitions(${target} PRIVATE WHERRY_CARES)
    endif()
endfunction()
