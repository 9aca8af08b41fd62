"""Faults as events with labels: in the plant, at the meter, on the way."""

from simulators.faults import meter, plant, wire

AnyFault = (
    plant.NightLoad
    | plant.Leak
    | plant.CoolingDegradation
    | plant.LoadSpike
    | plant.LoadStep
    | meter.Spike
    | meter.Step
    | meter.Drift
    | meter.CtRatio
    | meter.ReversedCt
    | meter.Bypassed
    | meter.Stuck
    | meter.Wrap
    | meter.Reset
    | meter.MeterSwap
    | meter.Swapped
    | wire.Gap
    | wire.Late
    | wire.Duplicate
    | wire.Contradiction
    | wire.Impossible
    | wire.Malformed
    | wire.Reorder
    | wire.ClockSkew
    | wire.Outage
    | wire.GatewayDead
    | wire.Reboot
    | wire.Unregistered
)
