// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* utf8.c - characters of text (RFC 3629) */
#include <base/utf8.h>

size_t utf8_next(const char *text, size_t len, uint32_t *ret_c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7f >> n);
	size_t i;

	if (n > len || (n > 1 && (s[0] < 0xc0 || s[0] > 0xf7)))
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (ret_c)
		*ret_c = c;
	return n;
}

size_t utf8_count(const char *text, size_t len)
{
	size_t i = 0, count = 0, n;

	for (; i < len; count++) {
		n = utf8_next(text + i, len - i, NULL);
		i += n ? n : 1;
	}
	return count;
}
