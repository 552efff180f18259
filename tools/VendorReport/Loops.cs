namespace VendorReport;

/// <summary>A loop of a program: its blocks (inner loops included) and the loop around it, or -1.</summary>
internal sealed record Loop(int Header, IReadOnlySet<int> Blocks);

/// <summary>The natural loops of a program.</summary>
internal static class Loops
{
    /// <summary>All loops, outermost first. Jumps back to one header are one loop.</summary>
    public static IReadOnlyList<Loop> Of(IReadOnlyList<BasicBlock> blocks)
    {
        var predecessors = Enumerable.Range(0, blocks.Count).Select(_ => new List<int>()).ToArray();
        for (int i = 0; i < blocks.Count; i++)
            foreach (int next in blocks[i].Successors) predecessors[next].Add(i);

        var bodies = new SortedDictionary<int, HashSet<int>>();
        foreach ((int from, int header) in BackEdges(blocks))
        {
            if (!bodies.TryGetValue(header, out HashSet<int>? body)) bodies[header] = body = [header];
            var open = new Stack<int>([from]);
            while (open.TryPop(out int block))
                if (body.Add(block)) foreach (int p in predecessors[block]) open.Push(p);
        }
        return [.. bodies.Select(b => new Loop(b.Key, b.Value)).OrderByDescending(l => l.Blocks.Count)];
    }

    /// <summary>Edges to a block that is still open in a depth-first walk.</summary>
    private static List<(int From, int Header)> BackEdges(IReadOnlyList<BasicBlock> blocks)
    {
        var edges = new List<(int, int)>();
        var state = new byte[blocks.Count];     // 0 new, 1 open, 2 done
        Visit(0);
        return edges;

        void Visit(int block)
        {
            state[block] = 1;
            foreach (int next in blocks[block].Successors)
            {
                if (state[next] == 1) edges.Add((block, next));
                else if (state[next] == 0) Visit(next);
            }
            state[block] = 2;
        }
    }
}
