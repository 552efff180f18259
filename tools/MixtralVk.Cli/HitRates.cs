using System.Runtime.InteropServices;
using MixtralVk.Experts;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Cli;

/// <summary>
/// Runs texts through a model whose experts GPU and processor share, and tells by layer what part of the choices was on the GPU, piece by
/// piece of a text.
/// </summary>
internal static class HitRates
{
    /// <summary>Pieces of a text: columns of the picture.</summary>
    private const int Pieces = 24;

    /// <summary>
    /// [piece][layer]: hits among the choices. One text goes on where the one before ended, with the experts that are there by then.
    /// </summary>
    public static double[][] Measure(MixtralModel model, int[] tokens, string label, CancellationToken cancellation)
    {
        var pass = (VulkanForwardPass)model.ForwardPass;
        using Session session = model.StartSession();
        int[][] pieces = [.. tokens.Chunk((tokens.Length + Pieces - 1) / Pieces)];
        var rates = new double[pieces.Length][];
        return WorkBar.Show(label, pieces.Length, report =>
        {
            var text = new List<int>();
            for (int piece = 0; piece < pieces.Length; piece++)
            {
                LayerActivity[] before = [.. pass.ExpertActivity];
                foreach (int token in pieces[piece]) // one by one, as in an answer: of a prompt the last layer computes the last token only
                {
                    if (text.Count == model.ContextLength) text.Clear();
                    text.Add(token);
                    session.Prefill(CollectionsMarshal.AsSpan(text), cancellation);
                }
                rates[piece] = [.. pass.ExpertActivity.Zip(before, (now, then) => now.Hits + now.Misses == then.Hits + then.Misses
                    ? 0 : (now.Hits - then.Hits) / (double)(now.Hits + now.Misses - then.Hits - then.Misses))];
                report("");
            }
            return rates;
        });
    }
}
