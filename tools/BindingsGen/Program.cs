Console.WriteLine("BindingsGen");
