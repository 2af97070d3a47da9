# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# completion.bash - completion of shunt(1) in bash: the command itself knows what can come next
_shunt()
{
	local IFS=$'\n'

	COMPREPLY=($(shunt __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _shunt shunt
