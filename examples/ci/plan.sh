#!/bin/sh
# Checks a change and plans it; applies nothing. It is what a pipeline runs for every merge request.
#
# Exit status: 0 nothing changes, 2 something does, 1 a check failed.
# Leaves plan.jsonl (messages as JSON), plan.bin (to apply exactly this), plan.json and plan.txt (to look at).
set -eu
cd "$(dirname "$0")"
terraform=${TERRAFORM:-terraform}

"$terraform" init -input=false -no-color
"$terraform" fmt -check -diff -recursive
"$terraform" validate -no-color
"$terraform" test -no-color

status=0
"$terraform" plan -input=false -lock=false -json -detailed-exitcode -out=plan.bin > plan.jsonl || status=$?
# Remarks, such as members who are not there yet, and errors.
sed -nE 's/^\{"@level":"(warn|error)","@message":"(([^"\\]|\\.)*)".*/\2/p' plan.jsonl | sed 's/\\"/"/g'
[ "$status" -ne 1 ] || exit 1

"$terraform" show -json plan.bin > plan.json
"$terraform" show -no-color plan.bin | tee plan.txt
exit "$status"
