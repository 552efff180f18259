using MixtralVk.Model;

namespace MixtralVk.Tests.Model;

/// <summary>Pages that sequences of the same tokens share; what a device would store is written down beside them.</summary>
public sealed class KvSharingTests
{
    private const int PageTokens = KvPages.PageTokens;

    [Fact]
    public void What_is_stored_is_found_by_its_tokens_and_kept_when_nobody_owns_it()
    {
        var cache = new Cache(8);
        KvSequence first = cache.Begin(), second = cache.Begin();
        cache.Store(first, Text('a', 100));
        second.Adopt(Text('a', 100).AsSpan()[..^1]);
        Assert.Equal(96, second.Length);
        Assert.Equal(first.Pages[..3].ToArray(), second.Pages.ToArray());
        Assert.Equal(4, cache.Pages.FreeCount);
        first.Dispose();
        second.Dispose();
        Assert.Equal(8, cache.Pages.FreeCount);
        KvSequence third = cache.Begin();
        third.Adopt([.. Text('a', 64), .. Text('b', 40)]);
        Assert.Equal(64, third.Length);
    }

    [Fact]
    public void Texts_computed_side_by_side_end_in_the_same_pages()
    {
        var cache = new Cache(8);
        KvSequence first = cache.Begin(), second = cache.Begin();
        for (int at = 0; at < 70; at += 5)
        {
            cache.Store(first, Text('a', at + 5));
            cache.Store(second, Text('a', at + 5));
        }
        Assert.Equal(first.Pages[..2].ToArray(), second.Pages[..2].ToArray());
        Assert.NotEqual(first.Pages[2], second.Pages[2]);
        Assert.Equal(4, cache.Pages.FreeCount);
    }

    [Fact]
    public void The_same_tokens_after_others_are_other_pages()
    {
        var cache = new Cache(8);
        KvSequence first = cache.Begin(), second = cache.Begin();
        cache.Store(first, [.. Text('a', 32), .. Text('c', 32)]);
        cache.Store(second, [.. Text('b', 32), .. Text('c', 32)]);
        Assert.Equal(4, cache.Pages.FreeCount);
    }

    [Fact]
    public void Forgetting_part_of_a_shared_page_leaves_the_others_theirs()
    {
        var cache = new Cache(8);
        KvSequence first = cache.Begin(), second = cache.Begin();
        cache.Store(first, Text('a', 70));
        second.Adopt(Text('a', 64));
        second.Truncate(50);
        Assert.Equal(32, second.Length);
        cache.Store(second, [.. Text('a', 50), .. Text('b', 30)]);
        cache.Check(first, Text('a', 70));
        cache.Check(second, [.. Text('a', 50), .. Text('b', 30)]);

        first.Truncate(40); // owned alone: stays, and is not found any more
        Assert.Equal(40, first.Length);
        cache.Store(first, [.. Text('a', 40), .. Text('c', 30)]);
        KvSequence third = cache.Begin();
        third.Adopt(Text('a', 64));
        Assert.Equal(32, third.Length);
    }

    [Fact]
    public void Room_is_made_by_the_longest_unused_first_and_the_end_of_a_text_before_its_beginning()
    {
        var cache = new Cache(6);
        KvSequence old = cache.Begin(), recent = cache.Begin(), taker = cache.Begin();
        cache.Store(old, Text('a', 64));
        cache.Store(recent, Text('b', 64));
        cache.Store(taker, Text('c', 96)); // two pages are empty: one of old goes
        Assert.Equal((0, 64), (old.Length, recent.Length));
        old.Adopt(Text('a', 64));
        Assert.Equal(32, old.Length);
    }

    [Fact]
    public void A_sequence_in_a_step_and_one_that_does_not_share_keep_their_pages()
    {
        var cache = new Cache(4);
        var keeps = new KvSequence(cache.Pages);
        keeps.Reserve(32);
        KvSequence stepping = cache.Begin(), taker = cache.Begin();
        var batch = new StepBatch(200);
        batch.Add(stepping, Text('a', 64), LogitRows.None);
        var error = Assert.Throws<ContextOverflowException>(() => taker.Reserve(64));
        Assert.Equal(32, error.Available);
        Assert.Equal(1, cache.Pages.FreeCount);
        batch.Clear();
        taker.Reserve(64);
        Assert.Equal((1, 0, 2), (keeps.Pages.Length, stepping.Pages.Length, taker.Pages.Length));
    }

    [Fact]
    public void What_a_page_held_goes_to_the_host_and_comes_back()
    {
        var cache = new Cache(4, hostPages: 4);
        KvSequence first = cache.Begin(), second = cache.Begin();
        cache.Store(first, Text('a', 128));
        cache.Store(second, Text('b', 96));
        Assert.Equal(0, first.Length);
        first.Adopt(Text('a', 128));
        Assert.Equal(128, first.Length); // one was never overwritten, three come back, and those of second go
        cache.Check(first, Text('a', 128));
        second.Adopt(Text('b', 96));
        Assert.Equal(96, second.Length);
        cache.Check(second, Text('b', 96));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 5)]
    [InlineData(4, 40)]
    public void Nothing_is_lost_or_mixed_up_in_thousands_of_random_steps(int seed, int hostPages)
    {
        var random = new Random(seed);
        var cache = new Cache(24, hostPages);
        var sequences = new List<(KvSequence Kv, List<int> Text)>();
        for (int step = 0; step < 5000; step++)
        {
            int choice = random.Next(100);
            if (sequences.Count == 0 || choice < 5 && sequences.Count < 12) sequences.Add((cache.Begin(), []));
            (KvSequence kv, List<int> text) = sequences[random.Next(sequences.Count)];
            if (choice < 10)
            {
                kv.Dispose();
                sequences.Remove((kv, text));
            }
            else if (choice < 30)
            {
                int length = random.Next(text.Count + 1);
                if (length < kv.Length) kv.Truncate(length);
                text.RemoveRange(length, text.Count - length);
            }
            else if (choice < 35) // takes over another's text
            {
                List<int> other = sequences[random.Next(sequences.Count)].Text;
                int common = text.ToArray().AsSpan().CommonPrefixLength(other.ToArray());
                if (common < kv.Length) kv.Truncate(common);
                text.RemoveRange(common, text.Count - common);
                text.AddRange(other[common..]);
            }
            else
            {
                // Few different tokens, in runs: texts often agree for some pages.
                int token = random.Next(2);
                for (int i = random.Next(1, 40); i > 0 && text.Count < 300; i--) text.Add(token);
                if (text.Count > 0) cache.Store(kv, [.. text]);
            }
            foreach ((KvSequence each, List<int> its) in sequences) cache.Check(each, [.. its]);
            int owned = sequences.SelectMany(s => s.Kv.Pages.ToArray()).Distinct().Count();
            Assert.Equal(24, owned + cache.Pages.FreeCount);
        }
    }

    private static int[] Text(char token, int count) => [.. Enumerable.Repeat((int)token, count)];

    /// <summary>A pool with a memory that holds, for each slot, the text up to it.</summary>
    private sealed class Cache(int pages, int hostPages = 0)
    {
        private readonly string[,] _memory = new string[pages + hostPages, PageTokens];

        public KvPages Pages { get; } = new(pages, hostPages);

        public KvSequence Begin() => new(Pages, shares: true);

        /// <summary>Computes what of the text is not found, in steps of at most 50 tokens.</summary>
        public void Store(KvSequence sequence, int[] text)
        {
            var batch = new StepBatch(50);
            while (sequence.Length < text.Length)
            {
                sequence.Adopt(text.AsSpan()[..^1]);
                int first = sequence.Length, count = Math.Min(50, text.Length - first);
                batch.Add(sequence, text.AsSpan(first, count), LogitRows.None);
                Check(sequence, text); // a step reads what is before it
                for (int at = first; at < first + count; at++)
                    _memory[sequence.Pages[at / PageTokens], at % PageTokens] = Written(text, at);
                batch.Commit();
                batch.Clear();
            }
        }

        public void Check(KvSequence sequence, int[] text)
        {
            var copies = new Queue<(int From, int To)>();
            Pages.TakeCopies(copies);
            foreach ((int from, int to) in copies)
                for (int slot = 0; slot < PageTokens; slot++) _memory[to, slot] = _memory[from, slot];
            for (int at = 0; at < sequence.Length; at++)
                Assert.Equal(Written(text, at), _memory[sequence.Pages[at / PageTokens], at % PageTokens]);
        }

        private static string Written(int[] text, int at) => string.Join(',', text[..(at + 1)]);
    }
}
