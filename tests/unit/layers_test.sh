#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Copyright (c) The shunt authors
# layers_test.sh - who may include whom (docs/architecture.md); and one file each for the hook's #ifdef and the libraries
set -u
cd "$(dirname "$0")/../.." || exit 1

n=0
failed=0
result() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		failed=1
	fi
}

# FOLDER may include <X/...> of these folders alone
layer() {
	local folder=$1 allowed=$2
	result "control/$folder includes only: $allowed" "$(
		grep -rnoE '#include [<"](base|model|mirror|compile|kernel|daemon|cli|client|health)/' "control/$folder" |
			grep -vE "[<\"](${allowed// /|})/")"
}

only() {
	result "$1" "$(grep -rnE "$2" $3 | grep -vE "$4")"
}

layer base 'base'
layer model 'base model'
layer mirror 'base mirror'
layer compile 'base model mirror compile'
layer kernel 'base model mirror compile kernel'
only 'kernel/ knows nothing of compile but the plan' '#include <compile/' control/kernel '<compile/plan\.h>'
layer daemon 'base model mirror compile kernel daemon'
layer client 'base client'
layer cli 'base model client cli'
layer health 'base health'
only 'kernel/ alone uses libbpf, libxdp and libnl' '#include <(bpf|xdp|netlink)/' control '^control/kernel/'
only 'daemon and health alone use libuv' '#include <uv\.h>' control '^control/(daemon|health)/'
only 'health alone uses libcurl' '#include <curl/' control '^control/health/probe_http'
only 'yaml.c alone uses libyaml' '#include <yaml\.h>' control '^control/model/yaml'
only 'ctx.h alone knows the hook' 'ifn?def SHUNT_(XDP|TC)|defined\(?.?SHUNT_XDP' 'dataplane include' '^dataplane/lib/ctx\.h'
only 'programs return edges, not verdicts' '\b(XDP_(PASS|DROP|TX|ABORTED|REDIRECT)|TC_ACT_[A-Z]+)\b' dataplane '^dataplane/lib/ctx\.h'
only 'no bpf_printk' 'bpf_printk' 'dataplane include' '^$'
only 'include/ includes linux types, its own and (module.h) lib/' '#include' include \
	'#include <(linux/types\.h|shunt/[a-z_/]+\.h)>'
result 'every source file says its licence' "$(git ls-files '*.c' '*.h' '*.sh' '*.bash' Makefile |
	xargs grep -L 'SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause')"
result 'every script may be run' "$(git ls-files tests topologies | while read -r file; do
	[ "$(head -c 2 "$file" | tr -d '\0')" != '#!' ] || [ -x "$file" ] || echo "$file"
done)"
echo "1..$n"
exit $failed
