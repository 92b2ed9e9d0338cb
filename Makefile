# Short names for what is in script/. The build itself is CMake's: see CMakePresets.json.

.PHONY: help demo check check-long bench format install

help:
	@echo 'make demo        build, and show what wherry does'
	@echo 'make check       build and test everything, with sanitizers and static checks'
	@echo 'make check-long  the tests that take long, ThreadSanitizer, and 64-bit ARM'
	@echo 'make bench       build the benchmark and run it'
	@echo 'make format      put the sources into the style of .clang-format'
	@echo 'make install     build and install; PREFIX=/usr/local, DESTDIR= as usual'

PREFIX ?= /usr/local

demo check check-long bench format:
	@script/$@

install:
	@cmake --preset release -DWHERRY_TESTS=OFF -DWHERRY_EXAMPLES=OFF \
		-DCMAKE_INSTALL_PREFIX=$(PREFIX) -B build/install
	@cmake --build build/install
	@DESTDIR=$(DESTDIR) cmake --install build/install
