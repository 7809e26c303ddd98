#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the embedded default model from raw data, and all its figures; `make default-model` calls it.
# What is finished is kept, and an interrupted step goes on where it was. On two cores it takes about six hours.
#
# RAVDESS   folder (or zip) of the RAVDESS speech clips
# WHISPER   folder of openai/whisper-base, or that name where the Hugging Face Hub can be reached
# SPEECH    folders of unlabelled speech to pretrain on, with colons between them
# TAUGHT    those of them whose people act emotions: the teacher labels them too
# ORDINARY  those of them whose people were not asked for any emotion
# HELD_OUT  folders of ordinary English speech of other people, for one figure
# OUT       folder for all models; OUT/default is what lies in models/default
set -eu

for name in RAVDESS WHISPER SPEECH TAUGHT ORDINARY HELD_OUT OUT; do
    eval "value=\${$name:-}"
    if [ -z "$value" ]; then
        echo "make_default_model: $name is not given; the head of tools/make_default_model.sh tells what it is" >&2
        exit 1
    fi
done
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

run() {
    ros2 run ser_ros "$@"
}

train() {
    run train --data "$RAVDESS" --resume "$@"
}

# Only the lists of folders below are split, at their colons.
set -f
IFS=:

if [ ! -d "$OUT/default-encoder" ]; then
    # shellcheck disable=SC2086
    run pretrain --recipe default --teacher "$WHISPER" --out "$OUT/default-encoder" --resume --speech $SPEECH
fi

learn() {
    protocol=$1
    shift
    train --recipe whisper-base-fast --model "$WHISPER" --protocol "$protocol" --out "$OUT/teacher-$protocol"
    # shellcheck disable=SC2086
    train --recipe default --model "$OUT/default-encoder" --protocol "$protocol" "$@" --conditions \
        --teacher "$OUT/teacher-$protocol" --taught-speech $TAUGHT --ordinary-speech $ORDINARY \
        --held-out-speech $HELD_OUT
}

learn speaker-independent --out "$OUT/default-folds"
learn paper --out "$OUT/default-paper"
learn full --out "$OUT/default" --scores "$OUT/default-folds/summary.json"
run optimize "$OUT/default" --data "$RAVDESS" --precision int8
