/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * frame.h - headers that are written in place, word by word
 *
 * DOC: The compiler knows nothing of where in memory a frame lies, and copies to it by single
 * bytes: a header of 20 bytes is 20 loads and 20 stores. Nor can the CPU pass on as a word what was
 * stored as bytes just before; it waits until they are in the cache. So words are put together in
 * registers, and stored as such. They need not be aligned: a kernel that minds refuses the program.
 */
#ifndef SHUNT_LIB_FRAME_H
#define SHUNT_LIB_FRAME_H

#include <shunt/lib/ctx.h>

/**
 * frame_at() - Bytes of the frame to write to
 * @len:	Constant
 * Return: where they are; NULL: they cannot be written in place: shunt_patch() can
 */
static __always_inline void *frame_at(shunt_ctx *ctx, __u64 off, __u32 len)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	barrier_var(off);	/* as in shunt_header() */
	if (!SHUNT_WRITES_FRAME || off > SHUNT_HEADERS_END || data + off + len > data_end)
		return NULL;
	return data + off;
}

/* What has two bytes, or two half words, one behind the other */
static __always_inline __u16 frame_half(__u8 first, __u8 second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return first | (__u16)second << 8;
#else
	return (__u16)first << 8 | second;
#endif
}

static __always_inline __u32 frame_word(__u16 first, __u16 second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return first | (__u32)second << 16;
#else
	return (__u32)first << 16 | second;
#endif
}

/* Its halves */
static __always_inline __u16 frame_first(__u32 word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return word;
#else
	return word >> 16;
#endif
}

static __always_inline __u16 frame_second(__u32 word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return word >> 16;
#else
	return word;
#endif
}

#endif
