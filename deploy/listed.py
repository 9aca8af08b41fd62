"""A group of commands that lists when it is called with none of them."""

import click


class Listed(click.Group):
    """`carbonwatch units --region north` is `carbonwatch units list --region north`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` before what is no command of this group and no call for help."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)
