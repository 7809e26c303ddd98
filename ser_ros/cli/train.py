# SPDX-License-Identifier: Apache-2.0
"""`ros2 run ser_ros train`: fine-tunes speech encoders and measures them as the node runs them."""

import argparse
import sys

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.cli.signals import loading

with loading():
    from ser_ros.cli.repeatable import repeatable
    from ser_ros.cli.train_options import ALL, FOLDERS, check, parser
    from ser_ros.errors import SerError
    from ser_ros.extras import require_extra
    from ser_ros.recognition.models import models_folder


@ends_in_a_sentence
def main(args: list[str] | None = None) -> int:
    """Train and measure as requested; print the figures."""
    args = sys.argv[1:] if args is None else args
    options_parser = parser()
    options = options_parser.parse_args(args)
    require_extra('train', 'train')
    if options.compare is not None:
        # Imported late, as below: it needs packages that a robot does not have.
        from ser_ros.training.reporting.comparison import compare

        print('\n'.join(compare(options.compare or [models_folder()])))
        return 0
    check(options)
    _train(options, repeatable(args, options_parser, folders=FOLDERS, models=('--model',)))
    return 0


def _train(options: argparse.Namespace, command: str) -> None:
    with loading():
        from accelerate import PartialState

        from ser_ros.training.finetuning.planning import TrainingRequest, plan
        from ser_ros.training.finetuning.run import check_outputs, run_experiment
        from ser_ros.training.finetuning.teaching import Teaching
        from ser_ros.training.learning.processes import join_processes
        from ser_ros.training.learning.quiet import quiet_transformers
        from ser_ros.training.reporting.comparison import compare
        from ser_ros.training.reporting.run_markdown import result_line
        from ser_ros.training.reporting.supplement import read_supplement
        from ser_ros.training.storage.upload import check_account, push

    quiet_transformers()
    join_processes()
    if options.push_to_hub:
        check_account()
    plans = plan(
        TrainingRequest(
            recipes=_recipe_names(options),
            model=options.model,
            settings=tuple(options.set),
            data=tuple(options.data),
            train_only=tuple(options.train_only),
            test_only=tuple(options.test_only),
            without=tuple(options.without),
            labels=tuple(options.labels),
            protocol=options.protocol,
            folds=tuple(options.fold or ()),
            tests_on_validation=options.validation,
            selects_on_test=options.select_on_test,
            out=options.out,
            command=command,
            supplement=read_supplement(options.scores, options.also, options.notes),
            teaching=Teaching(
                options.teacher,
                tuple(options.taught_speech),
                tuple(options.ordinary_speech),
                tuple(options.outliers),
                tuple(options.inliers),
            ),
            resume=options.resume,
            report_to=tuple(options.report_to),
            conditions=options.conditions,
            held_out_speech=tuple(options.held_out_speech),
        )
    )
    is_main_process = PartialState().is_main_process
    for planned in plans:
        check_outputs(planned.experiment, planned.splits)
    for planned in plans:
        reports = run_experiment(planned.experiment, planned.splits)
        if not is_main_process:
            continue
        for report in reports:
            print(result_line(report))
        out = planned.experiment.out
        print(f'in {out}')
        if options.out is None:
            model = out.name + ('/fold-1' if planned.splits[0].folds > 1 else '')
            print(f'ros2 launch ser_ros ser.launch.py model:={model}')
        if options.push_to_hub:
            print(f'pushed to {push(out, options.push_to_hub)}')
    if len(plans) > 1 and is_main_process:
        print('\n'.join(compare([planned.experiment.out for planned in plans])))


def _recipe_names(options: argparse.Namespace) -> tuple[str, ...]:
    from ser_ros.training.reporting.comparison import STUDY_RECIPES

    names = [name for recipe in options.recipe for name in (STUDY_RECIPES if recipe == ALL else (recipe,))]
    if len(set(names)) < len(names):
        raise SerError('--recipe names a recipe twice; give each once')
    if len(names) > 1 and options.model:
        raise SerError('--model is for one recipe; give one, or set the checkpoints in the recipes')
    if len(names) > 1 and options.push_to_hub:
        raise SerError('--push-to-hub is for one recipe; give one')
    return tuple(names)


if __name__ == '__main__':
    sys.exit(main())
