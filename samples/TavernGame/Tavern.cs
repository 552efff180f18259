using MixtralVk;

namespace TavernGame;

/// <summary>The guests of one room.</summary>
internal sealed class Tavern : IDisposable
{
    private static readonly (string Name, string Trade, string Home)[] s_people =
    [
        ("Mira", "baker", "Oakvale"), ("Hugo", "smith", "Stonefall"), ("Iska", "innkeeper", "Hillmere"), ("Pierre", "miller", "Redford"),
        ("Lena", "hunter", "the north woods"), ("Odo", "monk", "the old abbey"), ("Runa", "sailor", "the harbour"), ("Tom", "shepherd", "the hills"),
    ];

    public Tavern(MixtralModel model, int guests)
    {
        Model = model;
        Guests = [.. Enumerable.Range(0, guests).Select(i => s_people[i % s_people.Length])
            .Select(person => new Guest(model, person.Name, $"You are {person.Name}, a cheerful {person.Trade} from {person.Home}."))];
    }

    public MixtralModel Model { get; }

    public IReadOnlyList<Guest> Guests { get; }

    public long Tokens => Guests.Sum(guest => guest.Tokens);

    /// <summary>Nobody stays silent; outside the tick, as a new question costs some work.</summary>
    public void KeepTalking()
    {
        foreach (Guest guest in Guests)
            if (guest.IsSilent) guest.Ask();
    }

    public void Dispose()
    {
        foreach (Guest guest in Guests) guest.Dispose();
    }
}
