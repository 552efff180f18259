using MixtralVk.Experts;

namespace ExpertSimulator;

/// <summary>
/// Computes a trace as prompts, in chunks. Each layer keeps the experts of the lowest numbers; the processor computes the others at the
/// same time, or they are guests of the GPU one by one where the engine's own rule says so (<see cref="GuestCosts"/>).
/// </summary>
internal sealed class PromptSimulation(RoutingTrace trace, int slots, int chunk, PromptCosts costs)
{
    /// <summary>Seconds per token of a model with as many layers as the trace, and guests per chunk and layer.</summary>
    public (double SecondsPerToken, double Guests) Run(bool invites)
    {
        double seconds = 0;
        int guests = 0, chunks = trace.Tokens / chunk;
        for (int first = 0; first < chunks * chunk; first += chunk)
        {
            for (int layer = 0; layer < trace.Layers; layer++)
            {
                int residents = slots / trace.Layers + (layer < slots % trace.Layers ? 1 : 0);
                int[] rows = RowsOf(first, layer);
                double gpu = rows[..residents].Sum(GpuSeconds);
                List<int> missed = [.. rows[residents..].OrderDescending()];
                var rule = new GuestCosts(costs.Decode.Upload, costs.GpuRow, costs.CpuRow);
                for (; invites && missed.Count > 0 && rule.IsWorth(missed[0], missed.Sum(), rows[..residents].Sum()); guests++)
                {
                    seconds += costs.Decode.Upload + GpuSeconds(missed[0]);
                    missed.RemoveAt(0);
                }
                seconds += Math.Max(gpu, missed.Sum(CpuSeconds)) + chunk * costs.DenseRow
                    + (residents < rows.Length ? costs.Decode.HandOver : 0);
            }
        }
        return (seconds / (chunks * chunk), guests / (double)(chunks * trace.Layers));
    }

    private int[] RowsOf(int first, int layer)
    {
        var rows = new int[trace.Experts];
        for (int token = first; token < first + chunk; token++)
            foreach (int expert in trace.Of(token, layer)) rows[expert]++;
        return rows;
    }

    private double GpuSeconds(int rows) => rows == 0 ? 0 : Math.Max(costs.Decode.GpuExpert, rows * costs.GpuRow);

    private double CpuSeconds(int rows) => rows == 0 ? 0 : Math.Max(costs.Decode.CpuExpert, rows * costs.CpuRow);
}
