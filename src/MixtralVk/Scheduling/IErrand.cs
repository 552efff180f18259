namespace MixtralVk.Scheduling;

/// <summary>Something the worker does between the steps of the sequences, in pieces and within what frames grant.</summary>
internal interface IErrand
{
    /// <summary>
    /// Does the next piece, if there is room for it, on the worker's thread; false when it is done. What it throws ends it, but for a lack
    /// of the device's memory, where something can be given up: then it is called again for the same piece.
    /// </summary>
    bool Advance(Scheduler worker);

    /// <summary>What was computed is gone with its device: begins anew, or makes do with what it has.</summary>
    void Restart(Lock gate);

    /// <summary>Gives it up.</summary>
    void Fail(Lock gate, Exception problem);
}
