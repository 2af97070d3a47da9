// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* cli_test.c - control/cli: words and options to requests, failures to text and exit status */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "cli_fake.h"

#define GOOD	"version: 1\nnodes:\n  m: { module: count }\n"
#define BAD	"version: 1\nnodes:\n  m: { modul: count }\n"
#define RULES	"version: 1\nnodes:\n  m:\n    module: filter\n" \
		"    rules:\n      - udp sprot 1 drop\n      - drop it\n"
#define SYNTAX	"version: [1\n"

/* FILE is a good file, BAD, RULES and SYNTAX are not; a star before a slash is the folder */
static const struct run_case {
	const char *name;
	const char *words[FAKE_ARGS];
	int status;
	const char *requests;	/* NULL: none */
	const char *out, *err;	/* NULL: not looked at */
	const char *error;	/* the daemon's answer; NULL: an empty result */
} cases[] = {
	/* requests */
	{ .name = "apply", { "apply", "FILE", "--comment", "x y", "--confirm=2m" }, 0,
	  "apply {\"comment\":\"x y\",\"config\":{\"nodes\":{\"m\":{\"module\":\"count\"}},"
	  "\"version\":\"1\"},"
	  "\"confirm_s\":120,\"dry_run\":false}\n", NULL, "" },
	{ .name = "options anywhere", { "-n", "apply", "-q", "FILE", "--confirm", "1h" }, 0,
	  "apply {\"config\":{\"nodes\":{\"m\":{\"module\":\"count\"}},\"version\":\"1\"},"
	  "\"confirm_s\":3600,\"dry_run\":true}\n", NULL, "" },
	{ .name = "letters together", { "-jqn", "rollback" }, 0,
	  "rollback {\"dry_run\":true,\"steps\":1}\n", "{}\n", "" },
	{ .name = "rollback N", { "rollback", "3" }, 0,
	  "rollback {\"dry_run\":false,\"steps\":3}\n", NULL, "" },
	{ .name = "rollback --to", { "rollback", "--to", "7", "--comment", "c" }, 0,
	  "rollback {\"comment\":\"c\",\"dry_run\":false,\"to\":7}\n", NULL, "" },
	{ .name = "rule add: words are one rule", { "rule", "add", "guard", "tcp", "dport", "23",
	  "drop" }, 0,
	  "rule.add {\"node\":\"guard\",\"rule\":\"tcp dport 23 drop\"}\n", NULL, "" },
	{ .name = "rule add --index", { "rule", "add", "guard", "tcp dport 23 drop",
	  "--index=0" }, 0,
	  "rule.add {\"index\":0,\"node\":\"guard\",\"rule\":\"tcp dport 23 drop\"}\n", NULL, "" },
	{ .name = "rule del", { "rule", "del", "guard", "0a.2" }, 0,
	  "rule.del {\"id\":\"0a.2\",\"node\":\"guard\"}\n", NULL, "" },
	{ .name = "set add", { "set", "add", "s", "10.0.0.1", "10.0.0.2" }, 0,
	  "set.add {\"elements\":[\"10.0.0.1\",\"10.0.0.2\"],\"set\":\"s\"}\n", NULL, "" },
	{ .name = "rule add --chain", { "rule", "add", "guard", "drop", "--chain", "web" }, 0,
	  "rule.add {\"chain\":\"web\",\"node\":\"guard\",\"rule\":\"drop\"}\n", NULL, "" },
	{ .name = "rule insert INDEX", { "rule", "insert", "guard", "3", "tcp", "dport", "1",
	  "drop" }, 0,
	  "rule.insert {\"index\":3,\"node\":\"guard\",\"rule\":\"tcp dport 1 drop\"}\n", NULL, "" },
	{ .name = "rule insert before", { "rule", "insert", "guard", "before", "0a.2", "drop",
	  "--comment", "c" }, 0,
	  "rule.insert {\"before\":\"0a.2\",\"comment\":\"c\",\"node\":\"guard\",\"rule\":\"drop\"}\n",
	  NULL, "" },
	{ .name = "rule insert: no place", { "rule", "insert", "guard", "drop", "x" }, 2, NULL, "",
	  "shunt: 'drop' is no place: a number from 0, or 'before' and a rule's id\n" },
	{ .name = "rule insert before: no rule", { "rule", "insert", "guard", "before", "0a" }, 2,
	  NULL, "", "shunt: usage: shunt rule insert NODE PLACE RULE\n" },
	{ .name = "rule replace", { "rule", "replace", "guard", "0a", "tcp dport 1", "drop" }, 0,
	  "rule.replace {\"id\":\"0a\",\"node\":\"guard\",\"rule\":\"tcp dport 1 drop\"}\n",
	  NULL, "" },
	{ .name = "rule test", { "rule", "test", "guard", "ip", "saddr", "10.0.0.1" }, 0,
	  "rule.test {\"node\":\"guard\",\"packet\":\"ip saddr 10.0.0.1\"}\n", NULL, "" },
	{ .name = "set add: timeout", { "set", "add", "s", "10.0.0.1", "timeout", "10m" }, 0,
	  "set.add {\"elements\":[\"10.0.0.1\"],\"set\":\"s\",\"timeout\":\"10m\"}\n", NULL, "" },
	{ .name = "set add: a timeout of nothing", { "set", "add", "s", "timeout", "10m" }, 2, NULL,
	  "", "shunt: usage: shunt set add SET ELEMENT... [timeout TIME]\n" },
	{ .name = "set del: no timeout there", { "set", "del", "s", "timeout", "10m" }, 0,
	  "set.del {\"elements\":[\"timeout\",\"10m\"],\"set\":\"s\"}\n", NULL, "" },
	{ .name = "set flush", { "set", "flush", "s" }, 0, "set.flush {\"set\":\"s\"}\n", NULL, "" },
	{ .name = "set load", { "set", "load", "s", "FILE" }, 0,
	  "set.load {\"add\":false,\"set\":\"s\",\"text\":\"version: 1\\nnodes:\\n"
	  "  m: { module: count }\\n\"}\n", NULL, "" },
	{ .name = "set load --add", { "set", "load", "s", "FILE", "--add" }, 0,
	  "set.load {\"add\":true,\"set\":\"s\",\"text\":\"version: 1\\nnodes:\\n"
	  "  m: { module: count }\\n\"}\n", NULL, "" },
	{ .name = "filter show", { "filter", "show", "guard", "--cost" }, 0,
	  "filter.show {\"node\":\"guard\"}\n", NULL, "" },
	{ .name = "words that begin with a dash", { "table", "set", "--", "n", "t", "-1",
	  "value", "-2", "-j" }, 0,
	  "table.set {\"key\":[\"-1\"],\"node\":\"n\",\"table\":\"t\",\"value\":[\"-2\",\"-j"
	  "\"]}\n", "", "" },
	{ .name = "table get", { "table", "get", "n", "t", "a=1", "b=2" }, 0,
	  "table.get {\"key\":[\"a=1\",\"b=2\"],\"node\":\"n\",\"table\":\"t\"}\n", "-\n", "" },
	{ .name = "table show", { "table", "show", "n" }, 0, "table.show {\"node\":\"n\"}\n", "",
	  "" },
	{ .name = "detach: a call each", { "detach", "eth1", "eth2", "--hook", "xdp" }, 0,
	  "detach {\"dev\":\"eth1\",\"hook\":\"xdp\"}\ndetach {\"dev\":\"eth2\",\"hook\":\"xdp"
	  "\"}\n",
	  "0 detached\n", "" },
	{ .name = "detach --all", { "detach", "--all", "-j" }, 0, "detach {\"all\":true}\n",
	  "{\"schema\":1,\"detached\":0}\n", "" },
	{ .name = "export GEN", { "export", "4", "-q" }, 5, "export {\"generation\":4}\n", "",
	  "shunt: the answer to 'export' has no configuration\n" },
	/* usage */
	{ .name = "no command", { NULL }, 2, NULL, "", "shunt: no command; see 'shunt help'\n" },
	{ .name = "no such command", { "stauts" }, 2, NULL, "",
	  "shunt: unknown command 'stauts'; did you mean 'status'?\n" },
	{ .name = "nothing like it", { "xyzzy" }, 2, NULL, "",
	  "shunt: unknown command 'xyzzy'; see 'shunt help'\n" },
	{ .name = "second word", { "rule", "lst", "guard" }, 2, NULL, "",
	  "shunt: unknown command 'rule lst'; did you mean 'rule list'?\n" },
	{ .name = "second word missing", { "rule" }, 2, NULL, "",
	  "shunt: 'rule' wants one of: list, add, insert, replace, test, del\n" },
	{ .name = "shortened: not in a script", { "stat" }, 2, NULL, "",
	  "shunt: unknown command 'stat'; did you mean 'status'?\n" },
	{ .name = "hidden commands are not proposed", { "__complet" }, 2, NULL, "",
	  "shunt: unknown command '__complet'; see 'shunt help'\n" },
	{ .name = "too few arguments", { "rule", "add", "guard" }, 2, NULL, "",
	  "shunt: usage: shunt rule add NODE RULE [--comment TEXT] [--index N] [--chain NAME]\n" },
	{ .name = "too many arguments", { "status", "x" }, 2, NULL, "",
	  "shunt: usage: shunt status [--watch[=SECS]]\n" },
	{ .name = "option of another command", { "status", "--confirm", "2m" }, 2, NULL, "",
	  "shunt: 'status' has no option '--confirm'; see 'shunt help status'\n" },
	{ .name = "no such option", { "status", "--jsn" }, 2, NULL, "",
	  "shunt: unknown option '--jsn'; did you mean '--json'?\n" },
	{ .name = "no such letter", { "status", "-jx" }, 2, NULL,
	  "{\"schema\":1,\"errors\":[{\"file\":null,\"line\":null,\"column\":null,\"end_column"
	  "\":null,"
	  "\"path\":\"\",\"code\":\"usage\",\"message\":\"unknown option '-x'; see 'shunt help'"
	  "\",\"hint\":null}]}\n",
	  "" },
	{ .name = "JSON is asked for behind the error", { "status", "--no", "--pretty" }, 2, NULL,
	  NULL, "" },
	{ .name = "value missing", { "apply", "FILE", "--comment" }, 2, NULL, "",
	  "shunt: option '--comment' wants a value: TEXT\n" },
	{ .name = "value too many", { "status", "--json=1" }, 2, NULL, "",
	  "shunt: option '--json' takes no value\n" },
	{ .name = "no duration", { "apply", "FILE", "--confirm", "2w" }, 2, NULL, "",
	  "shunt: '--confirm' wants a time up to a day: 90, 90s, 2m, 1h\n" },
	{ .name = "no time to confirm in", { "apply", "FILE", "--confirm", "0" }, 2, NULL, "",
	  NULL },
	{ .name = "no colour", { "status", "--color=red" }, 2, NULL, "", NULL },
	{ .name = "no period", { "status", "-wx" }, 2, NULL, "",
	  "shunt: '--watch' wants seconds, 0.1 to 86400, not 'x'\n" },
	{ .name = "no watching of changes", { "apply", "FILE", "-w" }, 2, NULL, "", NULL },
	{ .name = "rollback: both", { "rollback", "1", "--to", "3" }, 2, NULL, "", NULL },
	{ .name = "rollback: no number", { "rollback", "-n", "--", "-1" }, 2, NULL, "", NULL },
	{ .name = "detach: neither", { "detach" }, 2, NULL, "",
	  "shunt: either interfaces or '--all'\n" },
	{ .name = "table set: no value", { "table", "set", "n", "t", "k", "l", "m" }, 2, NULL,
	  "", NULL },
	{ .name = "no such file", { "apply", "/nonexistent/x" }, 2, NULL, "",
	  "shunt: open '/nonexistent/x': No such file or directory\n" },
	/* findings */
	{ .name = "syntax", { "apply", "SYNTAX" }, 2, NULL, "", NULL },
	{ .name = "wrong configuration: not sent", { "apply", "BAD" }, 3, NULL, "",
	  "*/bad.yaml:3:8: error: unknown key 'modul' in node 'm'\n"
	  "        m: { modul: count }\n"
	  "             ^~~~~\n"
	  "        hint: did you mean 'module'?\n" },
	{ .name = "rules: the daemon's to refuse, all of them told", { "apply", "RULES" }, 3,
	  "apply {\"config\":{\"nodes\":{\"m\":{\"module\":\"filter\",\"rules\":[\"udp sprot 1 drop\","
	  "\"drop it\"]}},\"version\":\"1\"},\"confirm_s\":0,\"dry_run\":false}\n", "",
	  "*/rules.yaml:6:13: error: unknown field 'udp sprot'\n"
	  "        - udp sprot 1 drop\n              ^~~~~\n        hint: did you mean 'sport'?\n"
	  "*/rules.yaml:7:14: error: expected 'comment' or the end of the rule\n"
	  "        - drop it\n               ^\n",
	  "{\"code\":3,\"message\":\"m\",\"data\":{\"errors\":[{\"path\":\"/nodes/m/rules/0\","
	  "\"offset\":4,\"length\":5,\"code\":\"c\",\"message\":\"one of two\"}]}}" },
	{ .name = "the daemon's finding, with its caret", { "diff", "FILE" }, 3,
	  "diff {\"config\":{\"nodes\":{\"m\":{\"module\":\"count\"}},\"version\":\"1\"}}\n", "",
	  "*/good.yaml:3:16: error: no module 'count'\n"
	  "        m: { module: count }\n"
	  "                     ^~~~~\n"
	  "        hint: h\n",
	  "{\"code\":3,\"message\":\"m\",\"data\":{\"errors\":[{\"path\":\"/nodes/m/module\","
	  "\"key\":false,"
	  "\"offset\":-1,\"length\":0,\"code\":\"no_module\",\"message\":\"no module 'count'\","
	  "\"hint\":\"h\"}]}}" },
	{ .name = "the same with --json", { "diff", "FILE", "-j" }, 3, "",
	  "{\"schema\":1,\"errors\":[{\"file\":"
	  "\"*/good.yaml\",\"line\":3,\"column\":16,\"end_column\":21,\"path\":\"/nodes/m/module\","
	  "\"code\":\"no_module\",\"message\":\"no module\",\"hint\":null}]}\n", "",
	  "{\"code\":3,\"message\":\"m\",\"data\":{\"errors\":[{\"path\":\"/nodes/m/module\","
	  "\"code\":\"no_module\",\"message\":\"no module\"}]}}" },
	{ .name = "a finding in the rule that was typed", { "rule", "add", "g",
	  "udp sprot 1 drop" }, 3, "", "",
	  "rule:1:5: error: unknown field\n        udp sprot 1 drop\n            ^~~~~\n",
	  "{\"code\":3,\"message\":\"m\",\"data\":{\"errors\":[{\"path\":\"/nodes/g/rules/4\","
	  "\"offset\":4,\"length\":5,\"code\":\"c\",\"message\":\"unknown field\"}]}}" },
	{ .name = "refused by the kernel", { "apply", "FILE" }, 4, "", "",
	  "*/good.yaml: error: node 'm': EACCES\n        line 2?[31m\n",
	  "{\"code\":4,\"message\":\"node 'm': EACCES\\nline 2\\u001b[31m\"}" },
	{ .name = "refused, no file", { "detach", "--all" }, 4, "", "", "shunt: busy\n",
	  "{\"code\":4,\"message\":\"busy\"}" },
	{ .name = "refused with --json", { "detach", "--all", "-j" }, 4, "",
	  "{\"schema\":1,\"errors\":[{\"file\":null,\"line\":null,\"column\":null,\"end_column"
	  "\":null,"
	  "\"path\":\"\",\"code\":\"refused\",\"message\":\"busy\",\"hint\":null}]}\n", "",
	  "{\"code\":4,\"message\":\"busy\"}" },
	{ .name = "unknown to the daemon", { "graph", "show", "nope" }, 2, "", "",
	  "shunt: no graph 'nope'\n",
	  "{\"code\":2,\"message\":\"no graph 'nope'\"}" },
	{ .name = "a code from the future", { "status" }, 4, "", "",
	  "shunt: the daemon refused, and did not say why\n", "{\"code\":77}" },
	/* help */
	{ .name = "help of one", { "help", "set", "add" }, 0, NULL,
	  "usage: shunt set add SET ELEMENT... [timeout TIME] [--comment TEXT]\n\n"
	  "Add elements, all or none.\n"
	  "To a dynamic set, with a time to live if it is not to be the set's.\n\nOptions:\n"
	  "      --comment TEXT       a note for the history\n\nExample:\n"
	  "  shunt set add blocked 203.0.113.7 198.51.100.0/24\n\n"
	  "'shunt help' lists the options of all commands.\n", "" },
	{ .name = "help of a group", { "table", "-h" }, 0, NULL, NULL, "" },
	{ .name = "help behind arguments", { "rule", "add", "guard", "x", "--help" }, 0, NULL,
	  NULL, "" },
	{ .name = "help of nothing", { "help", "stats" }, 2, NULL, "",
	  "shunt: unknown command 'stats'; did you mean 'status'?\n" },
	{ .name = "version of the command", { "-V" }, 0, NULL, "shunt " SHUNT_VERSION "\n", "" },
	{ .name = "completion of commands", { "__complete", "r" }, 0, NULL, "rollback\nrule\n",
	  "" },
	{ .name = "completion of second words", { "__complete", "-j", "rule", "" }, 0, NULL,
	  "list\nadd\ninsert\nreplace\ntest\ndel\n", "" },
	{ .name = "completion of options", { "__complete", "apply", "x", "--com" }, 0, NULL,
	  "--comment\n", "" },
	{ .name = "completion of an option's value", { "__complete", "detach", "--hook", "tc" },
	  0, NULL,
	  "tc-ingress\ntc-egress\n", "" },
	{ .name = "completion of a file: the shell's", { "__complete", "apply", "" }, 0, NULL,
	  "", "" },
};

/* Compare, with '*' in front of '/' for the test's folder */
static void check_text(const char *have, const char *want)
{
	struct buf text = {};

	for (; *want; want++)
		if (*want == '*' && want[1] == '/')
			buf_str(&text, unit_folder());
		else
			buf_char(&text, *want);
	assert_string_equal(have, text.data ? text.data : "");
	buf_fini(&text);
}

static const char *word_of(const char *word)
{
	if (word && !strcmp(word, "FILE"))
		return fake_file("good.yaml", GOOD);
	if (word && !strcmp(word, "BAD"))
		return fake_file("bad.yaml", BAD);
	if (word && !strcmp(word, "RULES"))
		return fake_file("rules.yaml", RULES);
	if (word && !strcmp(word, "SYNTAX"))
		return fake_file("syntax.yaml", SYNTAX);
	return word;
}

static void test_run(void **state)
{
	const struct run_case *row = *state;
	const struct fake_answer answers[] = { { .result = row->error ? NULL : "{}",
		.error = row->error } };
	struct fake fake = { .answers = answers };
	const char *words[FAKE_ARGS];
	int i;

	for (i = 0; i < FAKE_ARGS; i++)
		words[i] = word_of(row->words[i]);
	fake_run(&fake, words);
	if (!row->requests)
		assert_int_equal(fake.n_requests, 0);
	else if (*row->requests)
		assert_string_equal(fake.requests.data, row->requests);
	if (row->out)
		check_text(fake.out, row->out);
	if (row->err)
		check_text(fake.err, row->err);
	assert_int_equal(fake.status, row->status);
	if (row->status == CLI_USAGE || row->status == CLI_INVALID)
		assert_true(*fake.err || *fake.out);
	fake_fini(&fake);
}

static void test_unreachable(void **state)
{
	struct fake fake = {};
	char want[300];

	fake_run(&fake, (const char *[]){ "status", NULL });
	snprintf(want, sizeof(want), "shunt: no daemon at '%s': No such file or directory; "
		 "start it with 'systemctl start shuntd' or run 'shuntd'\n", fake.path);
	assert_string_equal(fake.err, want);
	assert_int_equal(fake.status, 5);
	fake_fini(&fake);
}

static void test_hangs_up(void **state)
{
	const struct fake_answer answers[] = { {} };
	struct fake fake = { .answers = answers };

	fake_run(&fake, (const char *[]){ "status", NULL });
	assert_string_equal(fake.err, "shunt: lost the daemon during 'status': Connection reset "
		"by peer\n");
	assert_int_equal(fake.status, 5);
	fake_fini(&fake);
}

static void test_full_disk(void **state)
{
	const struct fake_answer answers[] = { { .result = "{}" } };
	struct fake fake = { .answers = answers, .terminal_fd = open("/dev/full", O_WRONLY) };

	fake_run(&fake, (const char *[]){ "status", NULL });
	assert_string_equal(fake.err, "shunt: write: No space left on device\n");
	assert_int_equal(fake.status, 4);
	fd_close(fake.terminal_fd);
	fake_fini(&fake);
}

/* As somebody who may not open the first socket, root or not */
static void run_denied(const struct fake_answer *answers, const char *word, struct fake *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool root = !geteuid();
	char beside[200];

	*fake = (struct fake){ .answers = answers };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/x.sock", unit_folder());
	snprintf(beside, sizeof(beside), "%s/x-ro.sock", unit_folder());
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(address.sun_path, 0), 0);
	assert_int_equal(symlink("shuntd.sock", beside), 0);
	assert_int_equal(chmod(unit_folder(), root ? 0777 : 0700), 0);
	assert_int_equal(root ? seteuid(65534) : 0, 0);
	fake_run(fake, (const char *[]){ word, "-q", "--socket", address.sun_path, NULL });
	assert_int_equal(root ? seteuid(0) : 0, 0);
	prctl(PR_SET_DUMPABLE, 1);	/* the leak checker wants to look at us */
	chmod(unit_folder(), 0700);
	unlink(beside);
	unlink(address.sun_path);
	fd_close(fd);
}

/* What only looks goes to the read-only socket; what changes says who may */
static void test_denied(void **state)
{
	const struct fake_answer answers[] = { { .result = "{}" } };
	struct fake fake;

	run_denied(answers, "status", &fake);
	assert_string_equal(fake.requests.data, "status -\n");
	assert_string_equal(fake.err, "");
	assert_int_equal(fake.status, 0);
	fake_fini(&fake);
	run_denied(answers, "confirm", &fake);
	assert_int_equal(fake.n_requests, 0);
	assert_non_null(strstr(fake.err, "/x.sock' is not for you: be root"));
	assert_int_equal(fake.status, 5);
	fake_fini(&fake);
}

static int open_terminal(int *ret_master)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	*ret_master = master;
	return slave;
}

/* 'file' of a set: its text goes to the daemon, tidied, and its lines are those of findings */
static void test_set_file(void **state)
{
	static const struct fake_answer answers[] = {
		{ .method = "apply", .result = "{\"changed\":false,\"generation\":1}" }, {}
	};
	struct fake fake = { .answers = answers };
	const char *yaml;

	fake_file("bad.txt", "\n# ours\r\n  10.0.0.1 # one\n\n10.0.0.2\n\n");
	yaml = fake_file("files.yaml", "version: 1\nsets:\n  x: { type: ip, file: bad.txt }\n");
	fake_run(&fake, (const char *const[]){ "apply", yaml, NULL });
	assert_string_equal(fake.err, "");
	assert_int_equal(fake.status, 0);
	assert_non_null(strstr(fake.requests.data, "{\"sets\":{\"x\":{\"elements\":\"# ours\\n"
			       "10.0.0.1 # one\\n\\n10.0.0.2\\n\",\"type\":\"ip\"}}"));
	fake_fini(&fake);
}

static void check_set_file(const char *text, const char *want)
{
	struct fake fake = { .answers = (const struct fake_answer[]){ {} } };
	char path[256], *all;

	snprintf(path, sizeof(path), "%s", fake_file("bad.txt", text ? text : ""));
	if (!text)
		unlink(path);
	fake_run(&fake, (const char *const[]){ "apply", fake_file("files.yaml", "version: 1\n"
		 "sets:\n  x: { type: ip, file: bad.txt }\n"), NULL });
	assert_int_equal(fake.status, 3);
	assert_int_equal(fake.n_requests, 0);
	assert_true(asprintf(&all, want, unit_folder(), unit_folder()) > 0);
	assert_string_equal(fake.err, all);
	free(all);
	fake_fini(&fake);
}

static void test_set_file_wrong(void **state)
{
	check_set_file("10.0.0.1\n\n 10.0.0.256 # x\n",
		       "%s/bad.txt:3:2: error: '10.0.0.256' is not an IPv4 address\n"
		       "        10.0.0.256 # x\n"
		       "        ^~~~~~~~~~\n");
	check_set_file("10.0.0.1 # \xff\n",
		       "%s/bad.txt:1:12: error: not valid UTF-8\n"
		       "        10.0.0.1 # ?\n"
		       "                   ^\n");
	check_set_file(NULL,
		       "%s/files.yaml:3:24: error: open '%s/bad.txt': No such file or directory\n"
		       "        x: { type: ip, file: bad.txt }\n"
		       "                             ^~~~~~~\n");
}

/* On a terminal words may be shortened while they stay unique */
static void test_prefixes(void **state)
{
	static const struct {
		const char *words[4];
		int status;
		const char *requests, *err;
	} rows[] = {
		{ { "stat", "-q" }, 0, "status -\n", "" },
		{ { "g", "s", "x" }, 0, "graph.show {\"graph\":\"x\"}\n", "" },
		{ { "set", "li" }, 0, "set.list -\n", "" },
		{ { "s", "l" }, 2, NULL, "shunt: 's' is ambiguous: status, set, sync\n" },
		{ { "stat", "-S" }, 2, NULL, "shunt: unknown command 'stat'; did you mean "
		  "'status'?\n" },
		{ { "", "x" }, 2, NULL, "shunt: unknown command ''; see 'shunt help'\n" },
	};
	const struct fake_answer answers[] = { { .result = "{}" } };
	unsigned int i;
	int master;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake fake = { .answers = answers, .terminal_fd = open_terminal(&master) };

		fake_run(&fake, rows[i].words);
		assert_string_equal(fake.err, rows[i].err);
		assert_int_equal(fake.status, rows[i].status);
		assert_string_equal(fake.requests.data ? fake.requests.data : "",
				    rows[i].requests ? rows[i].requests : "");
		fd_close(fake.terminal_fd);
		fd_close(master);
		fake_fini(&fake);
	}
}

/* Ctrl-C before the third answer: that is still shown, and all is well */
static void test_watch(void **state)
{
	const struct fake_answer answers[] = {
		{ .method = "drop.show", .interrupt_at = 3,
		  .result = "{\"drops\":[{\"graph\":\"g\","
		  "\"hook\":\"xdp\",\"reason\":\"rate\",\"help\":\"h\",\"packets\":13}]}" }, {}
	};
	struct fake fake = { .answers = answers };

	fake_run(&fake, (const char *[]){ "drop", "show", "-w0.1", NULL });
	assert_int_equal(fake.n_requests, 3);
	assert_string_equal(fake.out,
			    "PACKETS  PER SECOND  REASON  GRAPH  HOOK  NODE  EDGE  MEANING\n"
			    "     13           -  rate    g      xdp   -     -     h\n\n"
			    "PACKETS  PER SECOND  REASON  GRAPH  HOOK  NODE  EDGE  MEANING\n"
			    "     13           0  rate    g      xdp   -     -     h\n\n"
			    "PACKETS  PER SECOND  REASON  GRAPH  HOOK  NODE  EDGE  MEANING\n"
			    "     13           0  rate    g      xdp   -     -     h\n\n");
	assert_int_equal(fake.status, 0);
	fake_fini(&fake);
}

static void run_check(const char *answer, const char *option, const char *file, struct fake *fake)
{
	static char path[300];
	struct buf script = {};

	buf_printf(&script, "#!/bin/sh\nread -r line\nprintf '%%s\\n' '{\"id\":1,%s}'\n", answer);
	snprintf(path, sizeof(path), "%s", fake_file("shuntd", script.data));
	chmod(path, 0700);
	setenv("SHUNT_SHUNTD", path, 1);
	fake_run(fake, (const char *[]){ "check", option, word_of(file), NULL });
	buf_fini(&script);
}

/* What 'check' asks the program that knows the modules, without a daemon */
static void test_check(void **state)
{
	static const struct {
		const char *answer, *option, *file, *out, *err;
		int status;
	} rows[] = {
		{ "\"result\":{\"errors\":[],\"warnings\":[]}", "-S", "FILE",
		  "*/good.yaml: ok\n", "", 0 },
		{ "\"result\":{\"errors\":[],\"warnings\":[]}", "-j", "FILE",
		  "{\"schema\":1,\"errors\":[]}\n", "", 0 },
		{ "\"result\":{\"errors\":[]}", "-q", "FILE", "", "", 0 },
		{ "\"result\":{\"errors\":[{\"path\":\"/nodes/m\",\"key\":true,\"message\":\"odd"
		  "\"}]}", "-S",
		  "FILE", "", "*/good.yaml:3:3: error: odd\n        m: { module: count }\n      "
		  "  ^\n", 3 },
		{ "\"error\":{\"code\":-32601,\"message\":\"no\"}", "-S", "FILE", "",
		  "shunt: no\n", 2 },
		{ "\"result\":{}", "-S", "BAD", "", NULL, 3 },
		{ "\"result\":{}", "-S", "SYNTAX", "", NULL, 2 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake fake = {};

		run_check(rows[i].answer, rows[i].option, rows[i].file, &fake);
		check_text(fake.out, rows[i].out);
		if (rows[i].err)
			check_text(fake.err, rows[i].err);
		assert_int_equal(fake.status, rows[i].status);
		fake_fini(&fake);
	}
	unsetenv("SHUNT_SHUNTD");
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int r;
		unsigned int seconds;
	} rows[] = {
		{ "90", 0, 90 }, { "90s", 0, 90 }, { "2m", 0, 120 }, { "1h", 0, 3600 }, { "1d",
		  0, 86400 },
		{ "0", 0, 0 }, { "3650d", 0, 315360000 }, { "3651d", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 }, { "", -EINVAL, 0 }, { "s", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 }, { "1w", -EINVAL, 0 }, { "1m30s", -EINVAL, 0 }, { "1 m",
		  -EINVAL, 0 },
		{ "1.5m", -EINVAL, 0 },
	};
	unsigned int i, seconds;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		seconds = 0;
		assert_int_equal(option_duration(rows[i].text, &seconds), rows[i].r);
		assert_int_equal(seconds, rows[i].seconds);
	}
}

/* What help, completion and manual say of a command comes from its entry: it must be whole */
static void test_table(void **state)
{
	const struct cli_cmd *const *table, *cmd;
	struct buf man = {};
	char head[100];

	man_print(&man);
	cli_for_each(table, cmd) {
		assert_non_null(cmd->run);
		if (cmd->hidden)
			continue;
		assert_non_null(cmd->example);
		assert_true(strlen(cmd->words) + strlen(cmd->args) < 70);
		assert_int_equal(!strncmp(cmd->example, "shunt ", 6), 1);
		assert_non_null(strstr(cmd->example, cmd->words));
		assert_int_equal(cmd->options & OPT_COMMON, 0);
		assert_true(cmd->max < 0 || cmd->max >= cmd->min);
		snprintf(head, sizeof(head), "\n.SS \"shunt %s", cmd->words);
		assert_non_null(strstr(man.data, head));
	}
	buf_fini(&man);
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_unreachable), cmocka_unit_test(test_denied),
		cmocka_unit_test(test_hangs_up),
		cmocka_unit_test(test_full_disk), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_set_file), cmocka_unit_test(test_set_file_wrong),
		cmocka_unit_test(test_watch), cmocka_unit_test(test_check),
		cmocka_unit_test(test_durations), cmocka_unit_test(test_table),
	};
	const size_t n_others = sizeof(others) / sizeof(others[0]);
	struct CMUnitTest tests[sizeof(cases) / sizeof(cases[0]) + n_others];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tests[i] = unit_row(cases[i].name, test_run, &cases[i]);
	memcpy(&tests[i], others, sizeof(others));
	return unit_main(tests, i + n_others);
}
