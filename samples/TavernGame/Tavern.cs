using System.Text.Json;
using System.Text.Json.Serialization;
using MixtralVk;
using MixtralVk.SaveGames;

namespace TavernGame;

/// <summary>One room: the guests and the player.</summary>
internal sealed class Tavern : IDisposable
{
    private static readonly Person[] s_people =
    [
        new("Mira", "baker", "Oakvale", new("copper kettle", 25), new("plain bowl", 2)),
        new("Hugo", "blacksmith", "Stonefall", new("steel helmet", 45), new("small key", 6)),
        new("Iska", "innkeeper", "Hillmere", new("wooden tankard", 3), new("wool blanket", 8)),
        new("Pierre", "miller", "Redford", new("woven basket", 4), new("wooden barrel", 15)),
        new("Lena", "hunter", "Elmfield", new("leather belt", 9), new("hunting bow", 30)),
        new("Odo", "scribe", "Greyburg", new("painted map", 12), new("small book", 7)),
        new("Runa", "sailor", "Lowhaven", new("bronze compass", 20), new("long rope", 3)),
        new("Tom", "shepherd", "Windfield", new("bone flute", 5), new("grey cloak", 14)),
    ];

    public Tavern(MixtralModel model, int guests)
    {
        Model = model;
        Guests = [.. Enumerable.Range(0, guests).Select(i => new Guest(model, s_people[i % s_people.Length]))];
    }

    public MixtralModel Model { get; }

    public Purse Player { get; } = new();

    public IReadOnlyList<Guest> Guests { get; }

    /// <summary>Whom the player talks to: they wait for the player's next line; null while the player only watches.</summary>
    public Guest? Partner { get; set; }

    /// <summary>Replies begun and ended so far.</summary>
    public int Events
    {
        get
        {
            int events = 0;
            for (int i = 0; i < Guests.Count; i++) events += Guests[i].Talk.Begun + Guests[i].Talk.Ended;
            return events;
        }
    }

    /// <summary>Nobody stays silent.</summary>
    public void KeepTalking()
    {
        for (int i = 0; i < Guests.Count; i++)
            if (Guests[i].IsSilent && Guests[i] != Partner) Guests[i].HearSmallTalk(Guests[(i + 1) % Guests.Count]);
    }

    /// <summary>
    /// Saves everybody and what they have, each file whole or not at all; between ticks. Replies in progress are not in it.
    /// </summary>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        for (int i = 0; i < Guests.Count; i++) Guests[i].Character.Save().Write(SavePath(folder, i));
        AtomicFile.Write(PursesPath(folder), JsonSerializer.SerializeToUtf8Bytes([.. Purses], PursesJson.Default.PurseArray));
    }

    /// <summary>Goes on from a save: all of it is read and checked before anything changes. What is being said ends.</summary>
    public void Load(string folder)
    {
        CharacterSave[] saves = [.. Enumerable.Range(0, Guests.Count).Select(i => CharacterSave.Read(SavePath(folder, i)))];
        Purse[] saved = JsonSerializer.Deserialize(File.ReadAllBytes(PursesPath(folder)), PursesJson.Default.PurseArray)!;
        for (int i = 0; i < Guests.Count; i++) Guests[i].Character.Load(saves[i], OtherModel.Replay);
        foreach ((Purse purse, Purse then) in Purses.Zip(saved)) (purse.Gold, purse.Things) = (then.Gold, then.Things);
    }

    public void Dispose()
    {
        foreach (Guest guest in Guests) guest.Dispose();
    }

    private string SavePath(string folder, int guest) => Path.Combine(folder, $"{guest}-{Guests[guest].Name}.save");

    private IEnumerable<Purse> Purses => Guests.Select(guest => guest.Purse).Prepend(Player);

    private static string PursesPath(string folder) => Path.Combine(folder, "purses.json");
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Purse[]))]
internal sealed partial class PursesJson : JsonSerializerContext;
