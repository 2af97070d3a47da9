// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_elf.c - check an ELF file's tables before libelf and libbpf believe them */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <linux/bpf.h>

#include <kernel/object_file.h>

#define NOBITS_MAX	(64u << 20)	/* bytes that a section without content may ask for */

/* The file as it is looked at; all pointers into it */
struct elf {
	const char *path;
	const char *data;
	size_t len;
	const Elf64_Shdr *sec;
	unsigned int n_secs;
	const char *names;		/* of sections; NUL at the end */
	size_t names_len;
	const Elf64_Shdr *symtab;
	struct err *err;
};

#define broken(elf_, fmt_, ...) \
	err_set((elf_)->err, -ENOEXEC, "'%s': broken ELF: " fmt_ ".", (elf_)->path, ##__VA_ARGS__)

static bool within(uint64_t off, uint64_t size, uint64_t len)
{
	return off <= len && size <= len - off;
}

static const void *content(const struct elf *elf, const Elf64_Shdr *sec)
{
	return elf->data + sec->sh_offset;
}

static const char *section_name(const struct elf *elf, const Elf64_Shdr *sec)
{
	return elf->names + sec->sh_name;
}

static int check_header(struct elf *elf)
{
	const Elf64_Ehdr *h = (const void *)elf->data;

	if (elf->len < SELFMAG || memcmp(elf->data, ELFMAG, SELFMAG))
		return err_set(elf->err, -ENOEXEC, "'%s': not an ELF file.", elf->path);
	if (elf->len < sizeof(*h))
		return broken(elf, "cut off in its header");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_BPF)
		return err_set(elf->err, -ENOEXEC, "'%s': ELF, but not for BPF.", elf->path);
	if (h->e_ident[EI_DATA] != (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB))
		return err_set(elf->err, -ENOEXEC, "'%s': for BPF of the other byte order.",
			       elf->path);
	if (h->e_type != ET_REL)
		return err_set(elf->err, -ENOEXEC, "'%s': ELF for BPF, but not an object file.",
			       elf->path);
	if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT || h->e_phnum ||
	    h->e_ehsize != sizeof(*h) || h->e_shentsize != sizeof(Elf64_Shdr) || !h->e_shnum)
		return broken(elf, "unknown kind of header");
	if (h->e_shoff % 8 ||
	    !within(h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr), elf->len))
		return broken(elf, "its section table lies beyond its end");
	elf->sec = (const void *)(elf->data + h->e_shoff);
	elf->n_secs = h->e_shnum;
	if (h->e_shstrndx >= elf->n_secs || elf->sec[h->e_shstrndx].sh_type != SHT_STRTAB)
		return broken(elf, "no section names");
	return h->e_shstrndx;
}

static int check_sections(struct elf *elf)
{
	const Elf64_Shdr *sec;
	unsigned int i;

	for (i = 0; i < elf->n_secs; i++) {
		sec = &elf->sec[i];
		if (sec->sh_flags & SHF_COMPRESSED)
			return broken(elf, "section %u is compressed", i);
		if (sec->sh_addralign & (sec->sh_addralign - 1) || sec->sh_addralign > 4096)
			return broken(elf, "section %u has no such alignment", i);
		if (sec->sh_type == SHT_NULL)
			continue;
		if (sec->sh_type == SHT_NOBITS ? sec->sh_size > NOBITS_MAX :
		    !within(sec->sh_offset, sec->sh_size, elf->len))
			return broken(elf, "section %u lies beyond its end", i);
		if (sec->sh_type == SHT_STRTAB &&
		    (!sec->sh_size || elf->data[sec->sh_offset + sec->sh_size - 1]))
			return broken(elf, "the strings of section %u do not end", i);
	}
	return 0;
}

/* libbpf goes by these names, whatever their sections' types; each of them once, with content */
static int check_known(const struct elf *elf)
{
	static const char *const known[] = {
		".BTF", ".BTF.ext", ".maps", ".rodata", "license", "version",
	};
	unsigned int i, j, n;

	for (j = 0; j < sizeof(known) / sizeof(known[0]); j++) {
		n = 0;
		for (i = 1; i < elf->n_secs; i++) {
			if (strcmp(section_name(elf, &elf->sec[i]), known[j]))
				continue;
			if (n++ || elf->sec[i].sh_type != SHT_PROGBITS || !elf->sec[i].sh_size)
				return broken(elf, "section '%s' is empty or twice there",
					      known[j]);
		}
	}
	return 0;
}

static int check_names(struct elf *elf, unsigned int names)
{
	unsigned int i;

	elf->names = content(elf, &elf->sec[names]);
	elf->names_len = elf->sec[names].sh_size;
	for (i = 0; i < elf->n_secs; i++) {
		if (elf->sec[i].sh_name >= elf->names_len)
			return broken(elf, "section %u has no name", i);
		if (elf->sec[i].sh_type != SHT_SYMTAB)
			continue;
		if (elf->symtab)
			return broken(elf, "two symbol tables");
		elf->symtab = &elf->sec[i];
	}
	if (!elf->symtab)
		return broken(elf, "no symbol table");
	return check_known(elf);
}

/* A 16-byte instruction that is cut in two would be patched beyond its end */
static int check_instructions(const struct elf *elf, const Elf64_Shdr *sec, const Elf64_Sym *sym)
{
	const struct bpf_insn *insn =
		(const void *)((const char *)content(elf, sec) + sym->st_value);
	uint64_t i, n = sym->st_size / sizeof(*insn);

	for (i = 0; i < n; i++)
		if (insn[i].code == (BPF_LD | BPF_IMM | BPF_DW) && ++i == n)
			return broken(elf, "a function ends within an instruction");
	return 0;
}

static int check_symbol(const struct elf *elf, const Elf64_Sym *sym, size_t names_len,
			uint64_t *code_bytes)
{
	const Elf64_Shdr *sec;

	if (sym->st_name >= names_len)
		return broken(elf, "a symbol has no name");
	if (sym->st_shndx >= SHN_LORESERVE || sym->st_shndx == SHN_UNDEF)
		return 0;
	if (sym->st_shndx >= elf->n_secs)
		return broken(elf, "a symbol of no section");
	sec = &elf->sec[sym->st_shndx];
	if (!within(sym->st_value, sym->st_size, sec->sh_size))
		return broken(elf, "a symbol lies beyond its section");
	if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC)
		return 0;
	if (sec->sh_type != SHT_PROGBITS || sec->sh_offset % 8 || sym->st_value % 8 ||
	    sym->st_size % 8 || !sym->st_size)
		return broken(elf, "a function that is none");
	*code_bytes += sym->st_size;	/* functions do not overlap: no more of them than bytes */
	if (*code_bytes > elf->len)
		return broken(elf, "functions overlap");
	return check_instructions(elf, sec, sym);
}

static int check_symbols(const struct elf *elf)
{
	const Elf64_Shdr *tab = elf->symtab;
	const Elf64_Sym *sym = content(elf, tab);
	uint64_t i, code_bytes = 0;
	int r;

	if (tab->sh_entsize != sizeof(*sym) || tab->sh_size % sizeof(*sym) || tab->sh_offset % 8 ||
	    tab->sh_link >= elf->n_secs || elf->sec[tab->sh_link].sh_type != SHT_STRTAB)
		return broken(elf, "its symbol table is none");
	for (i = 0; i < tab->sh_size / sizeof(*sym); i++) {
		r = check_symbol(elf, &sym[i], elf->sec[tab->sh_link].sh_size, &code_bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_relocations(const struct elf *elf, const Elf64_Shdr *sec)
{
	const Elf64_Rel *rel = content(elf, sec);
	uint64_t i, n_syms = elf->symtab->sh_size / sizeof(Elf64_Sym), unit;
	const Elf64_Shdr *target;

	if (sec->sh_entsize != sizeof(*rel) || sec->sh_size % sizeof(*rel) || sec->sh_offset % 8 ||
	    sec->sh_info >= elf->n_secs || sec->sh_link != elf->symtab - elf->sec)
		return broken(elf, "relocations that are none");
	target = &elf->sec[sec->sh_info];
	unit = target->sh_flags & SHF_EXECINSTR ? 8 : 1;
	for (i = 0; i < sec->sh_size / sizeof(*rel); i++) {
		if (ELF64_R_SYM(rel[i].r_info) >= n_syms)
			return broken(elf, "a relocation to no symbol");
		if (rel[i].r_offset % unit || !within(rel[i].r_offset, unit, target->sh_size))
			return broken(elf, "a relocation beyond its section");
	}
	return 0;
}

int object_elf_check(const char *path, const void *data, size_t len, struct err *err)
{
	struct elf elf = { .path = path, .data = data, .len = len, .err = err };
	unsigned int i;
	int names, r;

	names = check_header(&elf);
	if (names < 0)
		return names;
	r = check_sections(&elf);
	if (r < 0)
		return r;
	r = check_names(&elf, names);
	if (r < 0)
		return r;
	r = check_symbols(&elf);
	for (i = 0; r == 0 && i < elf.n_secs; i++)
		if (elf.sec[i].sh_type == SHT_REL)
			r = check_relocations(&elf, &elf.sec[i]);
	return r;
}

int object_elf_section(const void *data, const char *name, struct object_part *ret_part)
{
	const Elf64_Ehdr *h = data;
	const Elf64_Shdr *sec = (const void *)((const char *)data + h->e_shoff);
	const char *names = (const char *)data + sec[h->e_shstrndx].sh_offset;
	unsigned int i;

	for (i = 1; i < h->e_shnum; i++) {
		if (sec[i].sh_type != SHT_PROGBITS || strcmp(names + sec[i].sh_name, name))
			continue;
		ret_part->data = (const char *)data + sec[i].sh_offset;
		ret_part->n = sec[i].sh_size;
		return 0;
	}
	return -ENOENT;
}
