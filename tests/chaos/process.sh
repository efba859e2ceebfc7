#!/usr/bin/env bash
# What the jobs of a chaos run execute: process.sh SECONDS BEHAVIOUR CODE. It records its own start and end, and holds
# the lock of its configuration; its descendants inherit the lock, so a survivor is seen as an overlap, too.
folder=${0%/*}
job=${TUTTI_JOB_MARK%%:*}
fence=${TUTTI_JOB_MARK#*:}
note() { printf '%s\n' "$1 $job $fence $KBC_COMPONENTID/$KBC_CONFIGID $$ $EPOCHREALTIME" >>"$folder/records"; }

exec 9>>"$folder/lock-$KBC_COMPONENTID-$KBC_CONFIGID"
flock -n 9 || note OVERLAP
note S
case $2 in
    deaf) trap '' TERM ;;
    child) sleep 60 & ;;
    daemon) setsid -f sleep 60 ;;
esac
for number in 1 2 3; do echo "$fence line $number"; done
sleep "$1"
[ "$2" = deaf ] && sleep 1
echo "$fence line 4"
note E
exit "$3"
