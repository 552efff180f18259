using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using MixtralVk.Characters;
using MixtralVk.SaveGames;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.SaveGames;

/// <summary>Saves of characters of the shipped model on the CPU.</summary>
[Collection(nameof(LoadedModel))]
public sealed class CharacterSaveTests(LoadedModel loaded)
{
    private static readonly string[] s_lines = ["Hello, who are you?", "Any rumours?", "Where is the mill?", "Goodbye."];

    private static readonly CharacterSheet s_sheet = new()
    {
        Name = "Brannor", Persona =
            "You are Brannor, a gruff blacksmith from Oakhaven. You heard that wolves were seen near the north gate.",
            DescribesActions = false,
        Voice = new() { Sampling = new() { Temperature = 1.2f, Seed = 3 } }, MaxTokens = 60,
    };

    [Fact]
    public void AfterLoadingACharacterGoesOnAsIfItHadNeverStopped()
    {
        using TemporaryFile file = new(".save");
        using var steady = new Character(loaded.Model, s_sheet);
        string[] expected = [.. s_lines.Select(line => Speak(steady, line))];
        for (int stop = 0; stop < s_lines.Length; stop++)
        {
            using (var first = new Character(loaded.Model, s_sheet))
            {
                foreach (string line in s_lines[..stop]) Speak(first, line);
                first.Save().Write(file.Path);
            }
            // Another seed in the sheet: the save's counts.
            using var second =
                new Character(loaded.Model, s_sheet with { Voice = new() { Sampling = s_sheet.Voice.Sampling with { Seed = 99 } } });
            Speak(second, "Forget this.");
            second.Load(CharacterSave.Read(file.Path));
            Assert.Equal(expected[stop..], s_lines[stop..].Select(line => Speak(second, line)));
            Assert.Equal(steady.History, second.History);
        }
    }

    [Fact]
    public void LoadingEndsAReplyInProgressAndOneThatHasNotBegun()
    {
        using var character = new Character(loaded.Model, s_sheet);
        Speak(character, s_lines[0]);
        CharacterSave save = character.Save();
        string expected = Speak(character, s_lines[1]);
        foreach (int pieces in new[] { 0, 2 })
        {
            CharacterReply reply = character.Say(s_lines[2]);
            for (int read = 0; read < pieces;)
                if (reply.TryRead(out _)) read++;
            character.Load(save);
            Assert.True(reply.IsInterrupted);
            Assert.False(reply.TryRead(out _));
            Assert.Equal(save.History, character.History);
            Assert.Equal(expected, Speak(character, s_lines[1]));
        }
    }

    /// <summary>Saved again and again in a conversation that is three times as long as the context.</summary>
    [Fact]
    public void AfterForgettingASaveGoesOnAsIfItHadNeverStopped()
    {
        using var steady = new Character(loaded.Model, s_sheet);
        var saves = new List<byte[]>();
        var expected = new List<string>();
        for (int i = 0; steady.Save().Turns.Sum(turn => turn.Tokens.Count) < 3 * loaded.Model.ContextLength; i++)
        {
            saves.Add(steady.Save().ToBytes());
            expected.Add(Speak(steady, $"{s_lines[i % 4]} Tell me about day {i}."));
        }
        int[] forgotten = [.. saves.Select(save => CharacterSave.Parse(save).Forgotten).Distinct()];
        Assert.True(forgotten.Length > 3 && forgotten[^1] > 0);
        using var second = new Character(loaded.Model, s_sheet);
        for (int stop = 0; stop < saves.Count; stop += 3)
        {
            second.Load(CharacterSave.Parse(saves[stop]));
            for (int i = stop; i < Math.Min(stop + 3, expected.Count); i++)
                Assert.Equal(expected[i], Speak(second, $"{s_lines[i % 4]} Tell me about day {i}."));
        }
    }

    [Fact]
    public void AConversationThatIsThereAsTextCanBeSavedAndGoneOnWith()
    {
        ChatMessage[] said = [new(ChatRole.User, "Hello, who are you?"), new(ChatRole.Assistant, "I am Brannor."),
            new(ChatRole.User, "Where is the mill?"), new(ChatRole.Assistant, "By the river.")];
        CharacterSave save = CharacterSave.Parse(CharacterSave.Of(loaded.Model, "Brannor", said).ToBytes());
        Assert.Equal(said, save.History);
        using var character = new Character(loaded.Model, s_sheet);
        character.Load(save);
        Assert.Equal(said, character.History);
        Assert.Empty(CharacterSave.Of(loaded.Model, "Brannor", []).History);
        foreach (ChatMessage[] wrong in new[] { said[..3], said[1..3], [said[0], said[2]] })
            Assert.Throws<ArgumentException>(() => CharacterSave.Of(loaded.Model, "Brannor", wrong));
    }

    [Fact]
    public void ACharacterOf2000TokensTakesLessThan32Kilobytes()
    {
        using var character = new Character(loaded.Model, s_sheet);
        for (int i = 0; character.Save().Turns.Sum(turn => turn.Tokens.Count) + 12 * i < 2000; i++)
            Speak(character, $"Tell me number {i} of your stories, please.");
        Assert.InRange(character.Save().ToBytes().Length, 2000, 32 * 1024);
        Assert.True(character.Save().Forgotten > 0);
    }

    [Fact]
    public void EveryBitFlipAndEveryMissingByteIsNoticed()
    {
        using var character = new Character(loaded.Model, s_sheet);
        Speak(character, s_lines[0]);
        byte[] bytes = character.Save().ToBytes();
        for (int bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<SaveGameException>(() => CharacterSave.Parse(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        for (int length = 0; length < bytes.Length; length++)
            Assert.Throws<SaveGameException>(() => CharacterSave.Parse(bytes.AsMemory(0, length)));
        Assert.Throws<SaveGameException>(() => CharacterSave.Parse((byte[])[.. bytes, 0]));
        Assert.Equal(1, CharacterSave.Parse(bytes).Exchanges);
    }

    [Fact]
    public void ASaveOfANewerVersionIsRefusedByItsVersion()
    {
        byte[] bytes = new CharacterSave { Name = "Mira", Model = new byte[32] }.ToBytes();
        bytes[8]++;
        SHA256.HashData(bytes.AsSpan(0, bytes.Length - SHA256.HashSizeInBytes), bytes.AsSpan(bytes.Length - SHA256.HashSizeInBytes));
        Assert.Contains("version 2 ", Assert.Throws<SaveGameException>(() => CharacterSave.Parse(bytes)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNoSaveThatMayBeReadIsAnIOException()
    {
        Assert.ThrowsAny<IOException>(() => CharacterSave.Read(Path.GetTempPath())); // a folder
        Assert.ThrowsAny<IOException>(() => CharacterSave.Read(Path.Combine(Path.GetTempPath(), "mixtralvk-nowhere.save")));
    }

    /// <summary>Text that no conversation has would fill the memory of a game many times over.</summary>
    [Fact]
    public void ASaveWithTooMuchTextIsRefusedBeforeItIsRead()
    {
        byte[] bytes = new CharacterSave { Name = new string('a', SaveFormat.MaxTextBytes), Model = new byte[32] }.ToBytes();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("beside keys and values", Assert.Throws<SaveGameException>(() => CharacterSave.Parse(bytes)).Message,
            StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void ASaveOfAnotherModelIsRefusedOrReplayed()
    {
        using var character = new Character(loaded.Model, s_sheet);
        Speak(character, s_lines[0]);
        CharacterSave save = character.Save(), other = save with { Model = new byte[32] };
        ChatMessage[] before = [.. character.History];
        Assert.Contains("another model", Assert.Throws<SaveGameException>(() => character.Load(other)).Message, StringComparison.Ordinal);
        Assert.Throws<SaveGameException>(() => character.Load(save with { Name = "Mira" }));
        Assert.Throws<SaveGameException>(() => character.Load(save with { Turns = [new ChatTurn("a", "b", [9_999_999])] }));
        Assert.Equal(before, character.History);
        character.Load(other, OtherModel.Replay);
        Assert.Equal(before, character.History);
        Assert.NotEmpty(Speak(character, s_lines[1]));
    }

    /// <summary>
    /// A process that saves without end is killed at any time, again and again: what is there is whole, and the last save that it reported
    /// or the one after that.
    /// </summary>
    [Fact]
    public void AKilledProcessNeverLosesTheSaveBefore()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("MIXTRALVK_KILLS") ?? "24", CultureInfo.InvariantCulture);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mixtralvk-saves-");
        string path = Path.Combine(folder.FullName, "mira.save");
        var random = new Random(5);
        int saved = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "SaveWriter.dll"), path,
                (saved + 1).ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true };
            using Process writer = Process.Start(start)!;
            string seen = "";
            for (int saves = random.Next(2, 5); saves > 0; saves--) seen = writer.StandardOutput.ReadLine()!;
            Thread.Sleep(TimeSpan.FromMilliseconds(random.NextDouble() * 20)); // some more, and then anywhere within one
            writer.Kill();
            int reported = int.Parse((seen + "\n" + writer.StandardOutput.ReadToEnd()).TrimEnd().Split('\n')[^1],
                CultureInfo.InvariantCulture);
            writer.WaitForExit();
            CharacterSave left = CharacterSave.Read(path);
            Assert.InRange((int)left.Seed, reported, reported + 1);
            Assert.Equal(2000, left.Exchanges);
            saved = (int)left.Seed;
        }
        Assert.True(saved > kills);
        folder.Delete(recursive: true);
    }

    /// <summary>A save by a process that may write no files as long as that: the system refuses the bytes, as on a full disk.</summary>
    [Fact]
    public void AFullDiskKeepsTheSaveBeforeAndIsTold()
    {
        if (!OperatingSystem.IsLinux()) return; // sets a limit of Linux's shell
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mixtralvk-saves-");
        string path = Path.Combine(folder.FullName, "mira.save");
        using var character = new Character(loaded.Model, s_sheet);
        character.Save().Write(path);
        byte[] before = File.ReadAllBytes(path);
        // Blocks of 512 bytes; the trap has the call fail instead of the process.
        const string script = "trap '' XFSZ; ulimit -f 8; exec dotnet \"$0\" \"$1\" 1";
        var start = new ProcessStartInfo("sh", ["-c", script, Path.Combine(AppContext.BaseDirectory, "SaveWriter.dll"), path])
            { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // the runtime's own use of large files in memory
        using Process writer = Process.Start(start)!;
        string problem = writer.StandardError.ReadToEnd();
        writer.WaitForExit();
        Assert.Contains($"System.IO.IOException: {path} cannot be written: ", problem, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Single(folder.GetFiles());
        folder.Delete(recursive: true);
    }

    private static string Speak(Character character, string line) => string.Concat(character.Say(line));
}
